//! Lists that an index serves.

use std::sync::Arc;

use modulo::local::{self, Data, Engine};

use crate::app::{TestApp, document_of, parse};

const MODULES: &str = r#"
    [modules.rooms]
    key = "roomId"
    storage = "document"
    envelope = "plain"

    [[modules.rooms.indexes]]
    name = "by-building"
    partition = "building"
    sort = { attribute = "floor", type = "N" }

    [[modules.rooms.indexes]]
    name = "by-owner"
    partition = "owner"
    sort = "name"
"#;

async fn rooms() -> TestApp {
    let app = TestApp::start(MODULES).await;
    for floor in 0..10 {
        let name = if floor % 2 == 0 { "Sala" } else { "Hall" };
        let body =
            format!(r#"{{"building":"A","floor":{floor},"owner":"ana","name":"{name} {floor}"}}"#);
        assert_eq!(
            app.send("POST", &format!("/rooms/a{floor}"), body)
                .await
                .status,
            201
        );
    }
    app.send("POST", "/rooms/b", r#"{"building":"B","floor":1}"#)
        .await;
    // In no index: there it has no key.
    app.send("POST", "/rooms/none", r#"{"chairs":3}"#).await;
    app
}

/// The ids of all pages.
async fn ids(app: &TestApp, query: &str) -> Vec<String> {
    let (mut ids, mut cursor) = (Vec::new(), String::new());
    loop {
        let answer = app.get(&format!("/rooms?{query}{cursor}")).await;
        assert_eq!(answer.status, 200, "of {query}: {}", answer.body);
        let page = document_of(&answer.body);
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn a_query_is_served_in_the_order_of_its_index() {
    let app = rooms().await;
    let all: Vec<_> = (0..10).map(|floor| format!("a{floor}")).collect();
    assert_eq!(ids(&app, "building=A").await, all);
    assert_eq!(ids(&app, "building=A&limit=3").await, all);
    let mut reversed = all.clone();
    reversed.reverse();
    assert_eq!(ids(&app, "building=A&order=desc&limit=4").await, reversed);
    assert_eq!(
        ids(&app, "building=A&order=asc&limit=1&fields=name").await,
        all
    );
    for (query, expected) in [
        ("building=A&floor=3", "a3"),
        ("building=A&floor.eq=3", "a3"),
        ("building=A&floor.lt=2", "a0 a1"),
        ("building=A&floor.le=1.0", "a0 a1"),
        ("building=A&floor.gt=8", "a9"),
        ("building=A&floor.ge=8&order=desc", "a9 a8"),
        ("building=A&floor.ge=3&floor.le=5&limit=2", "a3 a4 a5"),
        ("building=A&floor.ge=5&floor.le=3", ""),
        ("owner=ana&name.begins_with=Hall&limit=2", "a1 a3 a5 a7 a9"),
        ("owner=ana&name=Sala%204", "a4"),
        ("building=C", ""),
        ("building=B", "b"),
    ] {
        assert_eq!(ids(&app, query).await.join(" "), expected, "of {query}");
    }
}

#[tokio::test]
async fn a_query_that_no_index_serves_is_refused_with_those_there_are() {
    let app = rooms().await;
    for (query, message) in [
        (
            "floor=3",
            "no index serves this query; the indexes are `by-building` of `building` and `floor`, `by-owner` of `owner` and `name`",
        ),
        (
            "chairs=3",
            "`chairs` is unknown here; a list takes `limit`, `cursor`, `consistent` and `fields`, and the indexes are `by-building` of `building` and `floor`, `by-owner` of `owner` and `name`",
        ),
        (
            "building=A&consistent=true",
            "an index has no consistent reads; leave `consistent` out",
        ),
        (
            "building=A&cursor=abc",
            "`cursor` is not one that this list has answered with",
        ),
    ] {
        let answer = app.get(&format!("/rooms?{query}")).await;
        assert_eq!(answer.status, 400, "of {query}");
        let expected = format!("Please provide a valid query: {message}");
        assert_eq!(document_of(&answer.body)["detail"], expected, "of {query}");
    }
}

#[tokio::test]
async fn a_member_that_an_index_is_of_must_have_its_type() {
    let app = rooms().await;
    for (body, message) in [
        (
            r#"{"building":1}"#,
            "`/building` is a key of an index and must be a string of 1 to 2048 bytes",
        ),
        (
            r#"{"building":""}"#,
            "`/building` is a key of an index and must be a string of 1 to 2048 bytes",
        ),
        (
            r#"{"floor":"1"}"#,
            "`/floor` is a key of an index and must be a number",
        ),
        (
            r#"{"floor":null}"#,
            "`/floor` is a key of an index and must be a number",
        ),
        (
            r#"{"name":{}}"#,
            "`/name` is a key of an index and must be a string of 1 to 1024 bytes",
        ),
    ] {
        for (method, path) in [
            ("PUT", "/rooms/x"),
            ("POST", "/rooms"),
            ("PATCH", "/rooms/none"),
        ] {
            if method == "PATCH" && body.contains("null") {
                continue;
            }
            let answer = app.send(method, path, body).await;
            let expected = format!("Please provide a JSON document: {message}");
            let shown = (answer.status.as_u16(), document_of(&answer.body));
            assert_eq!(shown.0, 400, "of {method} {body}: {}", answer.body);
            assert_eq!(shown.1["detail"], expected, "of {method} {body}");
        }
    }
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(1_025));
    assert_eq!(app.send("PUT", "/rooms/x", long).await.status, 400);
}

#[tokio::test]
async fn a_number_in_a_query_is_a_json_number() {
    let app = rooms().await;
    for sort in ["floor", "floor.lt", "floor.le", "floor.gt", "floor.ge"] {
        for number in [
            "%201", "+1", "1%20", "%091", "1%0A", "%2B1", "01", "1.", "abc", "1e126",
        ] {
            let answer = app.get(&format!("/rooms?building=A&{sort}={number}")).await;
            assert_eq!(answer.status, 400, "of {sort}={number}: {}", answer.body);
            let detail = document_of(&answer.body)["detail"]
                .as_str()
                .unwrap()
                .to_owned();
            assert!(detail.ends_with("a number is needed"), "{detail}");
        }
    }
    // Numbers that DynamoDB takes only in plain form.
    for (number, expected) in [
        ("0e99999999999999999999", "a0"),
        ("-0.0", "a0"),
        ("3.00000000000000000000000000000000000000000000", "a3"),
        ("30E-1", "a3"),
    ] {
        assert_eq!(
            ids(&app, &format!("building=A&floor={number}")).await,
            [expected]
        );
    }
}

#[tokio::test]
async fn a_query_takes_the_values_that_documents_may_have() {
    let app = rooms().await;
    let long = |length: usize| "b".repeat(length);
    for (query, document, status) in [
        (
            format!("building={}", long(1_500)),
            format!(r#"{{"building":"{}","floor":1}}"#, long(1_500)),
            200,
        ),
        (
            format!("building={}", long(2_048)),
            format!(r#"{{"building":"{}","floor":1}}"#, long(2_048)),
            200,
        ),
        (
            format!("building={}", long(2_049)),
            format!(r#"{{"building":"{}","floor":1}}"#, long(2_049)),
            400,
        ),
        (
            format!("owner=o&name={}", long(1_024)),
            format!(r#"{{"owner":"o","name":"{}"}}"#, long(1_024)),
            200,
        ),
        (
            format!("owner=o&name={}", long(1_025)),
            format!(r#"{{"owner":"o","name":"{}"}}"#, long(1_025)),
            400,
        ),
    ] {
        app.send("DELETE", "/rooms/long", "").await;
        let put = app.send("PUT", "/rooms/long", document).await;
        assert_eq!(put.status == 400, status == 400, "{}", put.body);
        let answer = app.get(&format!("/rooms?{query}")).await;
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        if status == 200 {
            assert_eq!(ids(&app, &query).await, ["long"]);
        }
    }
}

/// A forged cursor that leads out of the queried range.
#[tokio::test]
async fn a_cursor_cannot_lead_elsewhere() {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let app = rooms().await;
    let page = app.get("/rooms?building=A&floor.ge=5&limit=1").await;
    let next = document_of(&page.body)["next"].as_str().unwrap().to_owned();
    let mut parts: Vec<String> =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(&next).unwrap()).unwrap();
    parts[2] = "1".to_owned();
    let forged = URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap());
    let answer = app
        .get(&format!("/rooms?building=A&floor.ge=5&cursor={forged}"))
        .await;
    assert!(
        matches!(answer.status.as_u16(), 200 | 400),
        "{}",
        answer.body
    );
    assert!(!answer.body.contains("\"a1\""), "{}", answer.body);
}

/// On a laptop an index is an edit of the file, as a module is.
#[tokio::test]
async fn an_index_is_made_for_a_table_that_is_there() {
    let engine = Engine::start(&Data::Memory).await.unwrap();
    let (before, _) = MODULES.split_once("[[").unwrap();
    let serve = async |text: &str| {
        let config = parse(text);
        let app = TestApp::over(&config, &engine.endpoint()).await;
        local::create_tables(&app.dynamodb, config.modules.tables())
            .await
            .unwrap();
        app
    };
    let app = serve(before).await;
    app.send(
        "POST",
        "/rooms/x",
        r#"{"building":"A","floor":2,"owner":"ana"}"#,
    )
    .await;
    let app = serve(MODULES).await;
    assert_eq!(ids(&app, "building=A").await, ["x"]);
    let other = MODULES.replace(
        r#"sort = { attribute = "floor", type = "N" }"#,
        r#"sort = "owner""#,
    );
    let app = serve(&other).await;
    assert_eq!(ids(&app, "building=A&owner=ana").await, ["x"]);
    drop(app);
    Arc::new(engine);
}

/// A generated client sends a parameter's default value as well.
#[tokio::test]
async fn the_default_order_may_be_asked_for_of_a_list_that_has_none() {
    let app = rooms().await;
    let all = app.get("/rooms").await;
    for query in ["order=asc", "order=asc&consistent=false&limit=25"] {
        let answer = app.get(&format!("/rooms?{query}")).await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.body);
        assert_eq!(answer.body, all.body);
    }
    assert_eq!(app.get("/rooms?order=desc").await.status, 400);
}
