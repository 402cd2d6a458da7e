//! The item of the path, read or written with modulo's SDK calls, and nothing else: no routes, no
//! validation, no log, no envelope. Where `SORT` names a sort key, a GET lists the partition; a batch
//! gets the items of its operations, or puts them.

#![forbid(unsafe_code)]
#![expect(clippy::disallowed_methods, reason = "a program reads the environment")]

use floors::Items;
use lambda_http::http::Method;
use lambda_http::{Body, Error, Request, RequestExt, Response, run, service_fn};
use serde::Deserialize;
use serde_json::value::RawValue;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let items = Items::from_env().await?;
    let sort = std::env::var("SORT").ok();
    run(service_fn(async |event| {
        handle(&items, sort.as_deref(), event).await
    }))
    .await
}

async fn handle(
    items: &Items,
    sort: Option<&str>,
    event: Request,
) -> Result<Response<Body>, Error> {
    let path = event.raw_http_path();
    let id = path.rsplit_once('/').map_or(path, |(_, id)| id).to_owned();
    let answer = if path.starts_with("/_batch/") {
        let Body::Text(text) = event.into_body() else {
            return Err("no operations".into());
        };
        batch(items, &text).await?
    } else if event.method() == Method::GET {
        match sort {
            None => items.get(id).await?,
            Some(sort) => items.query(id, sort).await?,
        }
    } else {
        let Body::Text(document) = event.into_body() else {
            return Err("no document".into());
        };
        items.put(id, document.clone()).await?;
        document
    };
    Ok(Response::builder()
        .header("content-type", "application/json")
        .body(answer.into())?)
}

#[derive(Deserialize)]
struct Operations<'t> {
    #[serde(borrow)]
    operations: Vec<Operation<'t>>,
}

#[derive(Deserialize)]
struct Operation<'t> {
    id: String,
    #[serde(borrow)]
    item: Option<&'t RawValue>,
}

async fn batch(items: &Items, text: &str) -> Result<String, Error> {
    let Operations { operations } = serde_json::from_str(text)?;
    let is_read = operations.iter().all(|operation| operation.item.is_none());
    let ids = operations.iter().map(|operation| operation.id.clone());
    if is_read {
        return items.get_many(ids.collect()).await;
    }
    let documents = operations.iter().map(|operation| {
        let item = operation.item.map(RawValue::get);
        item.unwrap_or_default().to_owned()
    });
    items.put_many(ids.zip(documents).collect()).await?;
    Ok("{}".to_owned())
}
