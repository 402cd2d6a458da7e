//! `document`: the attribute that holds the text, as other programs have called it.

use aws_sdk_dynamodb::types::AttributeValue;

use crate::app::TestApp;

const MODULES: &str = r#"
    [modules.orders]
    key = "orderId"
    document = "payload"

    [modules.sessions]
    key = "id"
    document = "body of it"
    ttl = "expiresAt"
    envelope = "plain"
"#;

#[tokio::test]
async fn the_text_is_in_the_attribute_that_the_module_names() {
    let app = TestApp::start(MODULES).await;
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let put = app.dynamodb.put_item().table_name("orders-local");
    let put = put.item("orderId", text("1")).item("payload", text("[1]"));
    put.item("data", text("another's")).send().await.unwrap();
    for (method, sent, expected) in [
        ("GET", "", r#"{"GET":{"orderId":"1","data":"[1]"}}"#),
        (
            "PUT",
            r#"{"n":2}"#,
            r#"{"PUT":{"orderId":"1","item":{"data":{"S":"{\"n\":2}"}}}}"#,
        ),
        (
            "PATCH",
            r#"{"m":3}"#,
            r#"{"PATCH":{"orderId":"1","item":{"data":{"S":"{\"n\":2,\"m\":3}"}}}}"#,
        ),
        (
            "GET",
            "",
            r#"{"GET":{"orderId":"1","data":"{\"n\":2,\"m\":3}"}}"#,
        ),
    ] {
        let answer = app.send(method, "/orders/1", sent).await;
        assert_eq!(answer.body, expected, "{method}");
    }
    let get = app.dynamodb.get_item().table_name("orders-local");
    let item = get.key("orderId", text("1")).send().await.unwrap().item;
    let item = item.unwrap();
    assert_eq!(item["payload"], text(r#"{"n":2,"m":3}"#));
    // PUT and PATCH leave what others wrote.
    assert_eq!(item["data"], text("another's"));
    let list = app.get("/orders?fields=m").await;
    let expected = r#"{"LIST":{"items":[{"orderId":"1","data":"{\"m\":3}"}],"next":null}}"#;
    assert_eq!(list.body, expected);
    let tag = app.get("/orders/1").await.header("etag").to_owned();
    for (sent, status) in [(tag.as_str(), 200), (tag.as_str(), 412)] {
        let request = app.request("PUT", "/orders/1").header("if-match", sent);
        let request = request.header("content-type", "application/json");
        let request = request.body("[4]".to_owned().into()).unwrap();
        assert_eq!(app.client.send(request).await.status, status);
    }
}

#[tokio::test]
async fn an_item_without_the_attribute_has_no_document() {
    let app = TestApp::start(MODULES).await;
    let put = app.dynamodb.put_item().table_name("orders-local");
    let put = put.item("orderId", AttributeValue::S("1".to_owned()));
    let put = put.item("data", AttributeValue::S("[1]".to_owned()));
    put.send().await.unwrap();
    let read = app.get("/orders/1").await;
    assert_eq!(read.body, r#"{"GET":{"orderId":"1","data":null}}"#);
}

#[tokio::test]
async fn the_attribute_may_have_any_name_and_stand_beside_a_time() {
    let app = TestApp::start(MODULES).await;
    let put = app
        .send("PUT", "/sessions/1", r#"{"expiresAt":4000000000}"#)
        .await;
    assert_eq!(put.status, 201, "{}", put.body);
    let read = app.get("/sessions/1").await;
    assert_eq!(read.body, r#"{"expiresAt":4000000000}"#);
    let past = app.send("PUT", "/sessions/1", r#"{"expiresAt":1}"#).await;
    assert_eq!(past.status, 200, "{}", past.body);
    assert_eq!(app.get("/sessions/1").await.status, 404);
}
