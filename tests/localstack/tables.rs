//! The tables as DynamoDB has them, past the function.

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

fn client() -> Client {
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

/// An item's `data`.
pub(crate) fn data(table: &str, key: &str, id: &str) -> Option<String> {
    let get = client()
        .get_item()
        .table_name(table)
        .key(key, AttributeValue::S(id.to_owned()));
    let item = wait(get.send()).expect("the table answers").item?;
    item.get("data")?.as_s().ok().cloned()
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
