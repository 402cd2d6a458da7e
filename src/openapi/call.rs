//! What can be called of a module.

use crate::module::{Module, Verb};

/// A call of a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    List,
    Create,
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Batch,
}

/// An operation's id. No word has an underscore, so that no two operations have the same.
pub(super) fn operation_id(word: &str, module: &Module) -> String {
    format!("{word}_{}", module.name())
}

impl Call {
    /// The verb that a module must serve for it.
    pub(super) fn verb(self) -> Option<Verb> {
        Some(match self {
            Self::List => Verb::List,
            Self::Create | Self::Post => Verb::Post,
            Self::Get => Verb::Get,
            Self::Put => Verb::Put,
            Self::Patch => Verb::Patch,
            Self::Delete => Verb::Delete,
            Self::Batch => return None,
        })
    }

    pub(super) fn method(self) -> &'static str {
        match self {
            Self::List | Self::Get => "get",
            Self::Create | Self::Post | Self::Batch => "post",
            Self::Put => "put",
            Self::Patch => "patch",
            Self::Delete => "delete",
        }
    }

    /// The first word of its operation's id.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Create => "create",
            Self::Batch => "batch",
            _ => self.method(),
        }
    }

    pub(super) fn summary(self) -> &'static str {
        match self {
            Self::List => "List items",
            Self::Create => "Create an item under a new id",
            Self::Get => "Read an item",
            Self::Post => "Create an item, or replace the whole item",
            Self::Put => "Set an item's document",
            Self::Patch => "Change a part of an item's document",
            Self::Delete => "Delete an item",
            Self::Batch => "Do many operations in one request",
        }
    }

    pub(super) fn what(self) -> &'static str {
        match self {
            Self::List => {
                "One page. Where there may be more items, `next` is the `cursor` of the next page; \
                 where it is `null`, there are no more. The order is not that of the ids."
            }
            Self::Create => "The header `Location` says where it is.",
            Self::Get => "With `If-None-Match`, it is sent only if the client does not have it.",
            Self::Post => "Attributes that others gave the item in its table are gone then.",
            Self::Put => {
                "Keeps the attributes that others gave the item in its table. Creates the item if \
                 there is none."
            }
            Self::Patch => {
                "Takes a JSON Merge Patch (RFC 7396) or a JSON Patch (RFC 6902), whose operations \
                 have to be sent as `application/json-patch+json`. Those who patch an item at the \
                 same time lose nothing of each other's."
            }
            Self::Delete => "The answer is the same if there was none.",
            Self::Batch => {
                "Each operation is of another item, and is answered on its own, in the order in \
                 which they stand. With `atomic`, all of them are done or none, and they are \
                 either all gets or none is."
            }
        }
    }

    /// Whether its request has a document, or something that becomes one.
    pub(super) fn takes_document(self) -> bool {
        !matches!(self, Self::List | Self::Get | Self::Delete)
    }

    /// Whether it can be sent again without being done again.
    pub(super) fn may_have_key(self, module: &Module) -> bool {
        module.idempotency().is_some() && matches!(self, Self::Create | Self::Post)
    }
}
