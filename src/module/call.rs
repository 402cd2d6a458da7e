//! The calls of a module: what can be done on which of its paths.
//!
//! A call is a row of one table, which says all of it but how it is done. The mount, `Allow`, the
//! API's description, the list of routes and the function's permissions come from there.

use std::fmt;

use super::name::ModuleName;
use super::verb::{Verb, Verbs};
use super::{Key, KeyType, Module};

/// One kind of path of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathKind {
    /// `/_batch/<module>`
    Batch,
    /// `/<module>`
    Collection,
    /// `/<module>/<partition>`, where the table has a sort key
    Partition,
    /// `/<module>/<id>`, or `/<module>/<partition>/<sort>`
    Item,
    /// `/_history/<module>/<id>`, or `/_history/<module>/<partition>/<sort>`, where versions are kept
    History,
}

impl PathKind {
    /// Every kind, in the order of the API's description.
    pub const ALL: &[Self] = &[
        Self::Batch,
        Self::Collection,
        Self::Partition,
        Self::Item,
        Self::History,
    ];

    /// The path in a module, for people to read: `id` stands for the id, or for the partition key
    /// where `sort` stands for the sort key.
    #[must_use]
    pub fn of<'p>(
        self,
        module: &'p ModuleName,
        (id, sort): (&'p str, Option<&'p str>),
    ) -> impl fmt::Display + 'p {
        fmt::from_fn(move |f| match (self, sort) {
            (Self::Batch, _) => write!(f, "/_batch/{module}"),
            (Self::Collection, _) => write!(f, "/{module}"),
            (Self::Partition, _) | (Self::Item, None) => write!(f, "/{module}/{id}"),
            (Self::Item, Some(sort)) => write!(f, "/{module}/{id}/{sort}"),
            (Self::History, None) => write!(f, "/_history/{module}/{id}"),
            (Self::History, Some(sort)) => write!(f, "/_history/{module}/{id}/{sort}"),
        })
    }

    /// Whether modules whose tables have this key have it.
    #[must_use]
    pub fn is_of(self, key: &Key) -> bool {
        self != Self::Partition || key.sort().is_some()
    }

    /// Whether this module has it.
    #[must_use]
    pub fn is_in(self, module: &Module) -> bool {
        self.is_of(module.key()) && (self != Self::History || module.history().is_some())
    }

    /// That of a path which has `rest` behind the module's name and a `/`.
    #[must_use]
    pub fn of_rest(rest: &str, key: &Key) -> Self {
        let has_sort = || {
            let parted = rest.split_once('/');
            parted.is_some_and(|(_, sort)| !sort.is_empty())
        };
        match rest {
            "" => Self::Collection,
            _ if key.sort().is_none() || has_sort() => Self::Item,
            _ => Self::Partition,
        }
    }

    /// The calls that it can have, in the order of the table.
    pub fn calls(self) -> impl Iterator<Item = Call> {
        let all = Call::ALL.iter().copied();
        all.filter(move |call| call.row().path == self)
    }

    /// The methods that it has in a module with these verbs and this key of its table, in the order
    /// of [`METHODS`].
    pub fn methods(self, verbs: Verbs, key: &Key) -> impl Iterator<Item = &'static str> {
        let methods = METHODS.iter().copied();
        methods.filter(move |&method| {
            self.calls()
                .any(|call| call.row().method == method && call.is_served(verbs) && call.is_of(key))
        })
    }
}

/// The methods of calls, in the order in which `Allow` and the list of routes name them. HEAD is
/// served where GET is, and OPTIONS everywhere.
pub const METHODS: &[&str] = &["GET", "POST", "PUT", "PATCH", "DELETE"];

/// What the body of a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// There is none.
    None,
    /// A document.
    Document,
    /// A change of a document.
    Patch,
    /// A batch.
    Batch,
}

/// What is known of a call.
#[derive(Debug)]
pub struct Row {
    /// The path that it is sent to.
    pub path: PathKind,
    /// The method that it is sent by.
    pub method: &'static str,
    /// The verb that a module must have for it. A batch needs that of each operation.
    pub verb: Option<Verb>,
    /// What its body is.
    pub body: Body,
    /// Whether it has `If-Match` and `If-None-Match`.
    pub has_preconditions: bool,
    /// Whether it has `Idempotency-Key`, in a module that remembers keys.
    pub may_have_key: bool,
    /// The statuses of errors that not all calls with such a body and such headers can end in.
    pub refusals: &'static [u16],
    /// What the function does with the module's table, or with that of its versions, as IAM names it: for the call itself, for
    /// the same operation of a batch, and to read an item before a write under an entity tag.
    pub actions: &'static [&'static str],
    /// The first word of its operation's id in the API's description.
    pub word: &'static str,
    /// Its summary there.
    pub summary: &'static str,
    /// Its description there.
    pub description: &'static str,
}

const BATCH_GET: &str = "dynamodb:BatchGetItem";
const BATCH_WRITE: &str = "dynamodb:BatchWriteItem";
const DELETE: &str = "dynamodb:DeleteItem";
/// The action that reads an item.
pub const GET: &str = "dynamodb:GetItem";
const PUT: &str = "dynamodb:PutItem";
/// The action that reads an index.
pub const QUERY: &str = "dynamodb:Query";
/// The action that reads a whole table.
pub const SCAN: &str = "dynamodb:Scan";
const UPDATE: &str = "dynamodb:UpdateItem";

/// Makes the enum of the rows' names, so that no call is without a row and none is left out.
macro_rules! calls {
    ($($(#[doc = $doc:literal])+ $name:ident = $row:expr;)+) => {
        /// Something that can be asked of a module. [`Call::row`] says what is known of it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Call {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Call {
            /// Every call. Where their examples are sent in this order, as Postman does, each
            /// finds the item that it asks for.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// What is known of it.
            #[must_use]
            pub const fn row(self) -> &'static Row {
                match self {
                    $(Self::$name => const { &$row },)+
                }
            }
        }
    };
}

calls! {
    /// Many operations in one request.
    Batch = Row {
        path: PathKind::Batch,
        method: "POST",
        verb: None,
        body: Body::Batch,
        has_preconditions: false,
        may_have_key: false,
        refusals: &[405],
        actions: &[],
        word: "batch",
        summary: "Do many operations in one request",
        description: "Each operation is of another item, and is answered on its own, in the order \
            in which they stand. With `atomic`, all of them are done or none, and they are either \
            all gets or none is.",
    };
    /// A page of items.
    List = Row {
        path: PathKind::Collection,
        method: "GET",
        verb: Some(Verb::List),
        body: Body::None,
        has_preconditions: false,
        may_have_key: false,
        refusals: &[],
        actions: &[QUERY, SCAN],
        word: "list",
        summary: "List items",
        description: "One page. Where there may be more items, `next` is the `cursor` of the next \
            page; where it is `null`, there are no more. The order is not that of the ids.",
    };
    /// A new item under a new id.
    Create = Row {
        path: PathKind::Collection,
        method: "POST",
        verb: Some(Verb::Post),
        body: Body::Document,
        has_preconditions: false,
        may_have_key: true,
        refusals: &[],
        actions: &[PUT],
        word: "create",
        summary: "Create an item under a new id",
        description: "The header `Location` says where it is.",
    };
    /// A new item under a new sort key.
    CreateIn = Row {
        path: PathKind::Partition,
        method: "POST",
        verb: Some(Verb::Post),
        body: Body::Document,
        has_preconditions: false,
        may_have_key: true,
        refusals: &[],
        actions: &[PUT],
        word: "createIn",
        summary: "Create an item under a new sort key",
        description: "The header `Location` says where it is. New sort keys are in the order of \
            time.",
    };
    /// A document becomes the whole item.
    Post = Row {
        path: PathKind::Item,
        method: "POST",
        verb: Some(Verb::Post),
        body: Body::Document,
        has_preconditions: true,
        may_have_key: true,
        refusals: &[],
        actions: &[BATCH_WRITE, GET, PUT],
        word: "post",
        summary: "Create an item, or replace the whole item",
        description: "Attributes that others gave the item in its table are gone then.",
    };
    /// An item gets another document, and keeps its other attributes.
    Put = Row {
        path: PathKind::Item,
        method: "PUT",
        verb: Some(Verb::Put),
        body: Body::Document,
        has_preconditions: true,
        may_have_key: false,
        refusals: &[],
        actions: &[GET, PUT, UPDATE],
        word: "put",
        summary: "Set an item's document",
        description: "Keeps the attributes that others gave the item in its table. Creates the \
            item if there is none.",
    };
    /// An item.
    Get = Row {
        path: PathKind::Item,
        method: "GET",
        verb: Some(Verb::Get),
        body: Body::None,
        has_preconditions: true,
        may_have_key: false,
        refusals: &[404],
        actions: &[BATCH_GET, GET],
        word: "get",
        summary: "Read an item",
        description: "With `If-None-Match`, it is sent only if the client does not have it.",
    };
    /// A page of the versions of an item.
    History = Row {
        path: PathKind::History,
        method: "GET",
        verb: Some(Verb::Get),
        body: Body::None,
        has_preconditions: false,
        may_have_key: false,
        refusals: &[],
        actions: &[QUERY],
        word: "history",
        summary: "List the versions of an item",
        description: "One page, the newest first. Where there may be older ones, `next` is the \
            `cursor` of the next page; where it is `null`, there are no more. What was written a \
            moment ago may not be there yet.",
    };
    /// A page of the items of one partition.
    ListPartition = Row {
        path: PathKind::Partition,
        method: "GET",
        verb: Some(Verb::List),
        body: Body::None,
        has_preconditions: false,
        may_have_key: false,
        refusals: &[],
        actions: &[QUERY],
        word: "listPartition",
        summary: "List the items of a partition",
        description: "One page, in the order of the sort key. Where there may be more items, \
            `next` is the `cursor` of the next page; where it is `null`, there are no more.",
    };
    /// A part of an item's document is changed.
    Patch = Row {
        path: PathKind::Item,
        method: "PATCH",
        verb: Some(Verb::Patch),
        body: Body::Patch,
        has_preconditions: true,
        may_have_key: false,
        refusals: &[404, 409],
        actions: &[GET, PUT, UPDATE],
        word: "patch",
        summary: "Change a part of an item's document",
        description: "Takes a JSON Merge Patch (RFC 7396) or a JSON Patch (RFC 6902), whose \
            operations have to be sent as `application/json-patch+json`. Those who patch an item \
            at the same time lose nothing of each other's.",
    };
    /// An item is removed.
    Delete = Row {
        path: PathKind::Item,
        method: "DELETE",
        verb: Some(Verb::Delete),
        body: Body::None,
        has_preconditions: true,
        may_have_key: false,
        refusals: &[],
        actions: &[BATCH_WRITE, DELETE, GET],
        word: "delete",
        summary: "Delete an item",
        description: "The answer is the same if there was none.",
    };
}

impl Call {
    /// The call that `method` is on a path. On a path without an id, or without its sort key, that
    /// can be the call of an item.
    #[must_use]
    pub fn find(path: PathKind, method: &str) -> Option<Self> {
        let method = if method == "HEAD" { "GET" } else { method };
        let on = |path: PathKind| path.calls().find(|call| call.row().method == method);
        match path {
            PathKind::Collection | PathKind::Partition => on(path).or_else(|| on(PathKind::Item)),
            PathKind::Batch | PathKind::Item | PathKind::History => on(path),
        }
    }

    /// Whether a module with these verbs serves it.
    #[must_use]
    pub fn is_served(self, verbs: Verbs) -> bool {
        self.row().verb.is_none_or(|verb| verbs.contains(verb))
    }

    /// Whether modules whose tables have this key have it: there are partitions to be listed where
    /// there is a sort key, and what a new id needs can be made where it is a string.
    #[must_use]
    pub fn is_of(self, key: &Key) -> bool {
        let made = key.sort().unwrap_or(key.partition());
        match self {
            Self::Create => key.sort().is_none() && made.key_type == KeyType::S,
            Self::CreateIn => key.sort().is_some() && made.key_type == KeyType::S,
            _ => self.row().path.is_of(key),
        }
    }

    /// Its name in the log, in metrics and in the verb envelope: that of its verb, or `BATCH`.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.row().verb.map_or("BATCH", Verb::as_str)
    }
}

/// What the function does with the table of a module that has these verbs, as IAM names it; an
/// action can stand there more than once.
pub fn actions(verbs: Verbs) -> impl Iterator<Item = &'static str> {
    actions_of(verbs, |path| path != PathKind::History)
}

/// The same of the table of the module's versions.
pub fn history_actions(verbs: Verbs) -> impl Iterator<Item = &'static str> {
    actions_of(verbs, |path| path == PathKind::History)
}

fn actions_of(verbs: Verbs, is_meant: fn(PathKind) -> bool) -> impl Iterator<Item = &'static str> {
    let served = Call::ALL.iter().filter(move |call| call.is_served(verbs));
    let meant = served.filter(move |call| is_meant(call.row().path));
    meant.flat_map(|call| call.row().actions).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::KeyPart;
    use crate::module::name::KeyAttribute;

    fn part(attribute: &str, key_type: KeyType) -> KeyPart {
        let attribute = attribute.parse().expect("valid");
        KeyPart {
            attribute,
            key_type,
        }
    }

    #[test]
    fn a_new_id_is_made_where_it_is_a_string() {
        use KeyType::{N, S};

        let key = |partition, sort: Option<KeyType>| {
            let sort = sort.map(|key_type| part("b", key_type));
            Key::new(part("a", partition), sort)
        };
        let posts = |key: &Key| {
            let paths = [PathKind::Collection, PathKind::Partition];
            paths.map(|path| {
                path.methods(Verbs::default(), key)
                    .any(|method| method == "POST")
            })
        };
        assert_eq!(posts(&key(S, None)), [true, false]);
        assert_eq!(posts(&key(N, None)), [false, false]);
        assert_eq!(posts(&key(N, Some(S))), [false, true]);
        assert_eq!(posts(&key(S, Some(N))), [false, false]);
    }

    #[test]
    fn every_verb_has_a_call_and_every_call_a_method_and_a_verb_that_are_listed() {
        for &verb in Verb::ALL {
            let has_call = Call::ALL.iter().any(|call| call.row().verb == Some(verb));
            assert!(has_call, "{verb:?} has no call");
        }
        for &call in Call::ALL {
            let Row { method, verb, .. } = call.row();
            assert!(METHODS.contains(method), "{call:?}: {method}");
            assert!(
                verb.is_none_or(|verb| Verb::ALL.contains(&verb)),
                "{call:?}"
            );
        }
    }

    #[test]
    fn a_call_is_found_by_its_path_and_method() {
        for &call in Call::ALL {
            let Row { path, method, .. } = call.row();
            assert_eq!(Call::find(*path, method), Some(call));
        }
        assert_eq!(Call::find(PathKind::Item, "HEAD"), Some(Call::Get));
        assert_eq!(Call::find(PathKind::Collection, "HEAD"), Some(Call::List));
        assert_eq!(Call::find(PathKind::Collection, "PUT"), Some(Call::Put));
        assert_eq!(Call::find(PathKind::Batch, "PUT"), None);
        assert_eq!(Call::find(PathKind::Item, "OPTIONS"), None);
    }

    #[test]
    fn a_path_has_the_methods_of_the_verbs() {
        let key = "roomId".parse::<KeyAttribute>().expect("valid").into();
        let methods = |path: PathKind, verbs: &[Verb]| -> Vec<_> {
            let verbs = verbs.iter().copied().collect();
            path.methods(verbs, &key).collect()
        };
        assert_eq!(methods(PathKind::Item, Verb::ALL), METHODS);
        let some = &[Verb::Delete, Verb::Post];
        assert_eq!(methods(PathKind::Item, some), ["POST", "DELETE"]);
        assert_eq!(methods(PathKind::Collection, some), ["POST"]);
        assert_eq!(methods(PathKind::Batch, &[]), ["POST"]);
    }
}
