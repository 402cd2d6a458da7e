//! A DynamoDB that keeps a request waiting until it is told otherwise.

use std::sync::Arc;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// The id whose requests are held; all others are answered at once, with nothing.
pub(crate) const HELD_ID: &str = "held-back";

/// An endpoint that holds back every request for [`HELD_ID`].
pub(crate) struct SilentDynamoDb {
    pub(crate) endpoint: String,
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl SilentDynamoDb {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let arrived = Arc::new(Notify::new());
        let released = Arc::new(Notify::new());
        let (arrival, release) = (Arc::clone(&arrived), Arc::clone(&released));
        let router = Router::new().fallback(move |request: String| async move {
            let mut answer = "{}";
            if request.contains(HELD_ID) {
                arrival.notify_one();
                release.notified().await;
                answer = r#"{"Item":{"modulo1Id":{"S":"held-back"},"data":{"S":"[90]"}}}"#;
            }
            ([(CONTENT_TYPE, "application/x-amz-json-1.0")], answer).into_response()
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            endpoint,
            arrived,
            released,
        }
    }

    /// Waits until a request is being held.
    pub(crate) async fn holding(&self) {
        self.arrived.notified().await;
    }

    /// Answers one held request, now or when it comes: an item with the document `[90]`.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}
