//! The connection that is open before the first request comes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::{Call, Fixture, FrontDoor, MODULES, Reply};
use crate::runtime_api::Function;

/// A way to `endpoint` that counts the connections it is used for.
async fn counted(endpoint: &str) -> (String, Arc<AtomicUsize>) {
    let target = endpoint.trim_start_matches("http://").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut far = TcpStream::connect(&target).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut near, &mut far).await });
        }
    });
    (format!("http://{address}"), connections)
}

/// How many connections there are at the first poll, and after a request.
async fn connections_of(modules: &str) -> (usize, usize) {
    let fixture = Fixture::start().await;
    let (endpoint, connections) = counted(&fixture.endpoint()).await;
    let mut function = Function::start(modules, &[], &endpoint).await;
    function.idle().await;
    let at_first_poll = connections.load(Ordering::SeqCst);
    let post = Call::new("POST", "/modulo1/x").json("1");
    let reply = function.call(FrontDoor::FunctionUrl, &post).await;
    assert!([200, 405].contains(&reply.status), "{reply}");
    (at_first_poll, connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn the_first_request_finds_a_connection() {
    assert_eq!(connections_of(MODULES).await, (1, 1));
}

#[tokio::test]
async fn no_connection_is_opened_ahead_where_that_is_turned_off() {
    let modules = MODULES.replace("[service]", "[service]\nwarm_up = false");
    assert_eq!(connections_of(&modules).await, (0, 1));
}

/// The function's role lets it scan such a table, and no more.
#[tokio::test]
async fn no_item_is_asked_for_that_the_role_does_not_give() {
    let modules = format!("{MODULES}\n[defaults]\nmethods = [\"LIST\"]");
    assert_eq!(connections_of(&modules).await, (0, 0));
}

#[tokio::test]
async fn a_dynamodb_that_says_nothing_does_not_keep_the_function_from_its_start() {
    // It takes connections, and nobody reads from them.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let mut function = Function::start(MODULES, &[], &endpoint).await;
    function.idle().await;
    let log = function.log();
    assert!(log.contains("DynamoDB is not warmed up in time"), "{log}");
    let call = Call::new("PUT", "/modulo1");
    let expected = Reply::error(400, "Please provide modulo1Id");
    let reply = function.call(FrontDoor::FunctionUrl, &call).await;
    function.assert_reply(&reply, &expected, "after a silent start");
}
