//! What the floors with a table do: modulo's calls of the SDK, and the SDK loaded as its
//! documentation shows.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a program reads the environment")]

use std::collections::HashMap;
use std::env;
use std::error::Error;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, PutRequest, WriteRequest};

/// What goes wrong.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// The items of one table.
#[derive(Clone)]
pub struct Items {
    client: Client,
    table: String,
    key: String,
}

impl Items {
    /// Those that the environment names.
    ///
    /// # Errors
    /// It names none.
    pub async fn from_env() -> Result<Self, BoxError> {
        Ok(Self {
            client: Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await),
            table: env::var("TABLE")?,
            key: env::var("KEY")?,
        })
    }

    /// The document of an item.
    ///
    /// # Errors
    /// There is none, or DynamoDB fails.
    pub async fn get(&self, id: String) -> Result<String, BoxError> {
        let output = self
            .client
            .get_item()
            .table_name(&self.table)
            .key(&self.key, AttributeValue::S(id))
            .projection_expression("#key, #data")
            .expression_attribute_names("#key", &self.key)
            .expression_attribute_names("#data", "data")
            .send()
            .await?;
        match output.item.and_then(|mut item| item.remove("data")) {
            Some(AttributeValue::S(document)) => Ok(document),
            _ => Err("no such item".into()),
        }
    }

    /// The items of a partition, as a JSON array, in a table with this sort key.
    ///
    /// # Errors
    /// DynamoDB fails.
    pub async fn query(&self, partition: String, sort: &str) -> Result<String, BoxError> {
        let output = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression("#key = :key")
            .projection_expression("#key, #sort, #data")
            .expression_attribute_names("#key", &self.key)
            .expression_attribute_names("#sort", sort)
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":key", AttributeValue::S(partition))
            .limit(100)
            .send()
            .await?;
        let text = |item: &mut HashMap<String, AttributeValue>, name: &str| match item.remove(name)
        {
            Some(AttributeValue::S(text)) => text,
            _ => String::new(),
        };
        let items = output
            .items
            .unwrap_or_default()
            .into_iter()
            .map(|mut item| {
                let key = text(&mut item, &self.key);
                let document = text(&mut item, "data");
                [key, text(&mut item, sort), document]
            });
        let items: Vec<_> = items.collect();
        Ok(serde_json::to_string(&items)?)
    }

    /// The documents of many items, as a JSON array of ids and documents.
    ///
    /// # Errors
    /// DynamoDB fails.
    pub async fn get_many(&self, ids: Vec<String>) -> Result<String, BoxError> {
        let keys = ids
            .into_iter()
            .map(|id| HashMap::from([(self.key.clone(), AttributeValue::S(id))]));
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .projection_expression("#key, #data")
            .expression_attribute_names("#key", &self.key)
            .expression_attribute_names("#data", "data")
            .build()?;
        let call = self.client.batch_get_item();
        let output = call.request_items(&self.table, keys).send().await?;
        let mut responses = output.responses.unwrap_or_default();
        let items = responses.remove(&self.table).unwrap_or_default();
        let items = items.into_iter().map(|mut item| {
            let mut text = |name: &str| match item.remove(name) {
                Some(AttributeValue::S(text)) => text,
                _ => String::new(),
            };
            [text(&self.key), text("data")]
        });
        let items: Vec<_> = items.collect();
        Ok(serde_json::to_string(&items)?)
    }

    /// Stores many items.
    ///
    /// # Errors
    /// DynamoDB fails.
    pub async fn put_many(&self, items: Vec<(String, String)>) -> Result<(), BoxError> {
        let requests = items.into_iter().map(|(id, document)| {
            let put = PutRequest::builder()
                .item(&self.key, AttributeValue::S(id))
                .item("data", AttributeValue::S(document))
                .build()?;
            Ok(WriteRequest::builder().put_request(put).build())
        });
        let requests = requests.collect::<Result<Vec<_>, BoxError>>()?;
        for some in requests.chunks(25) {
            let call = self.client.batch_write_item();
            call.request_items(&self.table, some.to_vec())
                .send()
                .await?;
        }
        Ok(())
    }

    /// Stores an item.
    ///
    /// # Errors
    /// DynamoDB fails.
    pub async fn put(&self, id: String, document: String) -> Result<(), BoxError> {
        self.client
            .put_item()
            .table_name(&self.table)
            .item(&self.key, AttributeValue::S(id))
            .item("data", AttributeValue::S(document))
            .send()
            .await?;
        Ok(())
    }
}
