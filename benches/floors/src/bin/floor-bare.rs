//! The item of the path, read or written with modulo's SDK calls, and nothing else: no routes, no
//! validation, no log, no envelope, and the SDK loaded as its documentation shows.

#![forbid(unsafe_code)]

use std::env;

use aws_config::BehaviorVersion;
use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;
use lambda_http::http::Method;
use lambda_http::{Body, Error, Request, RequestExt, Response, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let client = Client::new(&aws_config::load_defaults(BehaviorVersion::latest()).await);
    let table = env::var("TABLE")?;
    let key = env::var("KEY")?;
    run(service_fn(async |event| {
        handle(&client, &table, &key, event).await
    }))
    .await
}

async fn handle(
    client: &Client,
    table: &str,
    key: &str,
    event: Request,
) -> Result<Response<Body>, Error> {
    let path = event.raw_http_path();
    let id = path.rsplit_once('/').map_or(path, |(_, id)| id);
    let id = AttributeValue::S(id.to_owned());
    let answer = if event.method() == Method::GET {
        let output = client
            .get_item()
            .table_name(table)
            .key(key, id)
            .projection_expression("#key, #data")
            .expression_attribute_names("#key", key)
            .expression_attribute_names("#data", "data")
            .send()
            .await?;
        let data = output.item.and_then(|mut item| item.remove("data"));
        match data {
            Some(AttributeValue::S(text)) => text,
            _ => return Err("no such item".into()),
        }
    } else {
        let Body::Text(document) = event.into_body() else {
            return Err("no document".into());
        };
        client
            .put_item()
            .table_name(table)
            .item(key, id)
            .item("data", AttributeValue::S(document.clone()))
            .send()
            .await?;
        document
    };
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(answer.into())?)
}
