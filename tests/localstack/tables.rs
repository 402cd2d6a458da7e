//! The tables as DynamoDB has them, past the function.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use aws_config::{Region, SdkConfig};
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::config::Credentials;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::emulator::emulator;

/// Waits for a call of the SDK.
pub(crate) fn wait<F: Future>(call: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime is possible")
        .block_on(call)
}

/// The emulator's account.
pub(crate) fn account() -> &'static SdkConfig {
    static ACCOUNT: OnceLock<SdkConfig> = OnceLock::new();
    ACCOUNT.get_or_init(|| {
        wait(
            modulo::aws::of_machine()
                .region(Region::from_static("us-east-1"))
                .endpoint_url(&emulator().endpoint)
                .credentials_provider(Credentials::new("test", "test", None, None, "modulo"))
                .load(),
        )
    })
}

pub(crate) fn client() -> Client {
    Client::new(account())
}

/// Every table whose name ends so.
pub(crate) fn ending_in(suffix: &str) -> Vec<String> {
    let tables = wait(client().list_tables().send())
        .expect("the emulator answers")
        .table_names;
    tables
        .unwrap_or_default()
        .into_iter()
        .filter(|name| name.ends_with(suffix))
        .collect()
}

/// Writes an item as the old service does.
pub(crate) fn put(table: &str, key: &str, id: &str, data: &str) {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = client()
        .put_item()
        .table_name(table)
        .item(key, text(id))
        .item("data", text(data));
    wait(put.send()).expect("the table takes it");
}

/// An item of texts.
pub(crate) type Item = BTreeMap<String, AttributeValue>;

pub(crate) fn item(attributes: &[(&str, &str)]) -> Item {
    attributes
        .iter()
        .map(|(name, text)| ((*name).to_owned(), AttributeValue::S((*text).to_owned())))
        .collect()
}

/// Writes an item of texts.
pub(crate) fn put_item(table: &str, attributes: &[(&str, &str)]) {
    let put = client().put_item().table_name(table);
    let put = put.set_item(Some(item(attributes).into_iter().collect()));
    wait(put.send()).expect("the table takes it");
}

/// All items of a small table, with all their attributes, in the order of their texts.
pub(crate) fn items(table: &str) -> Vec<Item> {
    let scan = client().scan().table_name(table).consistent_read(true);
    let items = wait(scan.send()).expect("the table answers").items;
    let items = items.unwrap_or_default().into_iter();
    let mut items: Vec<Item> = items.map(|item| item.into_iter().collect()).collect();
    items.sort_by_key(|item| format!("{item:?}"));
    items
}

/// An item's `data`.
pub(crate) fn data(table: &str, key: &str, id: &str) -> Option<String> {
    let get = client()
        .get_item()
        .table_name(table)
        .key(key, AttributeValue::S(id.to_owned()));
    let item = wait(get.send()).expect("the table answers").item?;
    item.get("data")?.as_s().ok().cloned()
}

/// Whether a table can't be deleted by mistake.
pub(crate) fn is_protected(table: &str) -> bool {
    let described = wait(client().describe_table().table_name(table).send());
    let table = described.expect("it is there").table;
    table.and_then(|table| table.deletion_protection_enabled) == Some(true)
}

/// Takes away a table that outlived its stack.
pub(crate) fn delete(table: &str) {
    let unprotect = client()
        .update_table()
        .table_name(table)
        .deletion_protection_enabled(false);
    wait(unprotect.send()).expect("protection can be taken off");
    wait(client().delete_table().table_name(table).send()).expect("it is unprotected");
}
