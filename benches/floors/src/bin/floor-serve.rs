//! As `floor-bare`, behind a socket instead of Lambda's runtime API: the least axum server.

#![forbid(unsafe_code)]

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use floors::{BoxError, Items};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("floor-serve serves http://{}", listener.local_addr()?);
    let routes = Router::new()
        .route("/modulo1/{id}", get(read).post(write))
        .with_state(Items::from_env().await?);
    Ok(axum::serve(listener, routes).await?)
}

async fn read(State(items): State<Items>, Path(id): Path<String>) -> impl IntoResponse {
    answer(items.get(id).await)
}

async fn write(
    State(items): State<Items>,
    Path(id): Path<String>,
    document: String,
) -> impl IntoResponse {
    answer(items.put(id, document.clone()).await.map(|()| document))
}

fn answer(document: Result<String, BoxError>) -> impl IntoResponse {
    match document {
        Ok(document) => (
            StatusCode::OK,
            [(CONTENT_TYPE, "application/json")],
            document,
        ),
        Err(error) => (
            StatusCode::INTERNAL_SERVER_ERROR,
            [(CONTENT_TYPE, "text/plain")],
            error.to_string(),
        ),
    }
}
