//! The module that serves a table, as modules.toml has it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::str::FromStr;

use super::content::{Content, DATA};
use super::table::{Attribute, ExistingIndex, ExistingTable, Owner};
use crate::module::name::{
    IndexAttribute, IndexName, InvalidName, KeyAttribute, ModuleName, Stage, TtlAttribute,
};
use crate::module::{KeyType, Storage};
use crate::tool::modules_file::{Block, commented, quoted};

/// The characters that part a stage from the rest of a table's name.
const SEPARATORS: [char; 3] = ['-', '_', '.'];

/// A module, and what its table has that it does not serve.
pub(super) struct Adopted {
    pub(super) name: ModuleName,
    pub(super) block: Block,
    pub(super) notes: Vec<String>,
}

/// The module of a table.
///
/// # Errors
/// Why the table can't be served.
pub(super) fn adopted(
    table: &ExistingTable,
    content: &Content,
    stage: &Stage,
) -> Result<Adopted, String> {
    let (name, template) = names(&table.name, stage)?;
    let mut block = Block::new(&name);
    let mut notes = Vec::new();
    block.set("key", key(&table.key)?, "");
    block.set("table", quoted(&template), "");
    block.set("create", false, &owner(&table.owner));
    let storage = set_storage(&mut block, table, content, &mut notes);
    if let Some(ttl) = &table.ttl {
        match ttl.parse::<TtlAttribute>() {
            Ok(_) => block.set("ttl", quoted(ttl), ""),
            Err(invalid) => notes.push(format!(
                "its time to live in attribute `{ttl}` is left out: {invalid}"
            )),
        }
    }
    for index in &table.indexes {
        match served(index, storage) {
            Ok(lines) => block.line(&format!("\n[[modules.{name}.indexes]]\n{lines}")),
            Err(reason) => notes.push(format!("index `{}` is left out: {reason}", index.name)),
        }
    }
    Ok(Adopted { name, block, notes })
}

/// The module's name, and the table's with what stands for the module and the stage in it.
fn names(table: &str, stage: &Stage) -> Result<(ModuleName, String), String> {
    let name_of = |text: &str| {
        text.parse::<ModuleName>()
            .map_err(|invalid| format!("`{text}` is not a valid name for its module: {invalid}"))
    };
    for separator in SEPARATORS {
        let end = format!("{separator}{stage}");
        if let Some(module) = table.strip_suffix(&end).filter(|rest| !rest.is_empty()) {
            return match name_of(module) {
                Ok(name) => Ok((name, format!("{{module}}{separator}{{stage}}"))),
                Err(_) => Ok((
                    name_of(&plain(module))?,
                    format!("{module}{separator}{{stage}}"),
                )),
            };
        }
    }
    Ok((name_of(&plain(table))?, table.to_owned()))
}

/// A table's name as a module can have it: without what stands in none.
fn plain(table: &str) -> String {
    let start = |character: char| !character.is_ascii_alphanumeric();
    table.trim_start_matches(start).replace('.', "-")
}

/// The value of `key`.
fn key(key: &[Attribute]) -> Result<String, String> {
    for attribute in key {
        check::<KeyAttribute>(attribute)?;
    }
    match key {
        [only] => Ok(part(only)),
        [partition, sort] => Ok(format!(
            "{{ partition = {}, sort = {} }}",
            part(partition),
            part(sort)
        )),
        _ => Err(format!("its key has {} attributes", key.len())),
    }
}

/// Makes sure that an attribute can be part of a key in modules.toml.
fn check<T: FromStr<Err = InvalidName>>(attribute: &Attribute) -> Result<(), String> {
    let Attribute { name, of_type } = attribute;
    if of_type.parse::<KeyType>().is_err() {
        return Err(format!(
            "its key `{name}` is binary ({of_type}), and modulo serves strings (S) and numbers (N)"
        ));
    }
    match name.parse::<T>() {
        Ok(_) => Ok(()),
        Err(invalid) => Err(format!("its key `{name}` can't be used: {invalid}")),
    }
}

/// A key attribute: its name, where it is a string, or else a table.
fn part(Attribute { name, of_type }: &Attribute) -> String {
    let name = quoted(name);
    if of_type == KeyType::S.as_str() {
        name
    } else {
        format!("{{ attribute = {name}, type = \"{of_type}\" }}")
    }
}

fn owner(owner: &Owner) -> String {
    match owner {
        // On one line, whatever an emulator or a file's name has.
        Owner::Stack(name) => format!("stack `{}` made the table", name.escape_debug()),
        Owner::Template(file) => format!("the stack of `{}` made the table", file.escape_debug()),
        Owner::Nobody => {
            "no stack has the table; without this line, a deployment takes it over".to_owned()
        }
        Owner::Unknown => "which stack made the table could not be read".to_owned(),
    }
}

/// Adds what is known of the documents, and returns how they are kept.
fn set_storage(
    block: &mut Block,
    table: &ExistingTable,
    content: &Content,
    notes: &mut Vec<String>,
) -> Storage {
    let why = match content {
        Content::Text { attribute, others } => {
            block.set("storage", quoted(Storage::Json.as_str()), "");
            if attribute != DATA {
                block.set("document", quoted(attribute), "");
            }
            notes.extend(note_of_others(attribute, others));
            return Storage::Json;
        }
        Content::Members { items, texts } => {
            block.set("storage", quoted(Storage::Document.as_str()), "");
            notes.extend(note_of_texts(*items, texts));
            return Storage::Document;
        }
        Content::Empty => "the table is empty",
        Content::Unseen => "no item was seen",
        Content::Unreadable(reason) => {
            notes.push(format!("its items can't be read: {reason}"));
            "no item could be read"
        }
    };
    let native = quoted(Storage::Document.as_str());
    // An index is on attributes, which a document has none of that is kept as text.
    if table.indexes.iter().any(|index| !index.is_local) {
        block.set("storage", native, &format!("{why}; an index needs it"));
        return Storage::Document;
    }
    let meaning = format!("{why}; without the `#`, members are native attributes");
    block.line(&commented(&format!("# storage = {native}"), &meaning));
    Storage::Json
}

/// What to say of the attributes that stand beside a document's text.
fn note_of_others(document: &str, others: &BTreeSet<String>) -> Option<String> {
    let others: Vec<_> = others.iter().map(|name| format!("`{name}`")).collect();
    let others = (!others.is_empty()).then(|| others.join(", "))?;
    Some(format!(
        "the documents are in `{document}`; other attributes stay as they are, and are not shown: \
         {others}"
    ))
}

/// What to say where JSON text was found, and is not taken for the document.
fn note_of_texts(items: usize, texts: &BTreeMap<String, usize>) -> Option<String> {
    if texts.is_empty() {
        return None;
    }
    let found = texts
        .iter()
        .map(|(name, count)| format!("`{name}` in {count}"));
    let found: Vec<_> = found.collect();
    Some(format!(
        "of {items} items, these attributes hold JSON text: {}; if one of them is the document, \
         write storage = \"json\" and document = \"NAME\"",
        found.join(", ")
    ))
}

/// The lines of an index.
fn served(index: &ExistingIndex, storage: Storage) -> Result<String, String> {
    if index.is_local {
        return Err("it is a local index, and modulo serves global ones".to_owned());
    }
    if index.projection != "ALL" {
        return Err(format!(
            "it projects {}, and lists need ALL",
            index.projection
        ));
    }
    let (partition, sort) = match (&*index.partition, &*index.sort) {
        ([partition], []) => (partition, None),
        ([partition], [sort]) => (partition, Some(sort)),
        _ => return Err("its key has several attributes of one role".to_owned()),
    };
    for attribute in [partition].into_iter().chain(sort) {
        check::<IndexAttribute>(attribute)?;
    }
    if let Err(invalid) = index.name.parse::<IndexName>() {
        return Err(format!("its name can't be used: {invalid}"));
    }
    if storage == Storage::Json {
        return Err("with documents as text, no index can be served".to_owned());
    }
    let mut lines = format!(
        "name = {}\npartition = {}",
        quoted(&index.name),
        part(partition)
    );
    if let Some(sort) = sort {
        let _ = write!(lines, "\nsort = {}", part(sort));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_module_has_the_table_s_name_without_the_stage() {
        let stage = "dev".parse().expect("valid");
        let found = |table: &str| match names(table, &stage) {
            Ok((name, template)) => format!("{name} {template}"),
            Err(reason) => reason,
        };
        for (table, expected) in [
            ("rooms-dev", "rooms {module}-{stage}"),
            ("rooms_dev", "rooms {module}_{stage}"),
            ("shop.rooms.dev", "shop-rooms shop.rooms.{stage}"),
            ("_rooms-dev", "rooms _rooms-{stage}"),
            ("rooms-prod", "rooms-prod rooms-prod"),
            ("roomsdev", "roomsdev roomsdev"),
            ("-dev", "dev -dev"),
        ] {
            assert_eq!(found(table), expected, "of {table}");
        }
        let reason = "`` is not a valid name for its module: it is empty";
        assert_eq!(found("---"), reason);
    }

    #[test]
    fn a_comment_has_one_line() {
        let stack = Owner::Stack("a\n[modules.x]".to_owned());
        assert_eq!(owner(&stack), r"stack `a\n[modules.x]` made the table");
    }
}
