//! Tables with a sort key: an item has two names, and a partition is a list.

use modulo::item::ItemId;
use serde_json::{Value, json};

use crate::app::{Answer, TestApp, document_of, parse};
use crate::command::Folder;

const MODULES: &str = r#"
    [defaults]
    key = { partition = "roomId", sort = "bookingId" }
    idempotency = "1h"

    [modules.texts]

    [modules.members]
    storage = "document"
    envelope = "plain"
    ttl = "expiresAt"

    [[modules.members.indexes]]
    name = "by-owner"
    partition = "owner"
    sort = "name"

    [modules.shown]
    envelope = "plain"
    key_in_document = true

    [modules.numbered]
    key = { partition = { attribute = "year", type = "N" }, sort = { attribute = "day", type = "N" } }
"#;

#[track_caller]
fn assert_answer(answer: &Answer, status: u16, body: &str) {
    assert_eq!(
        (answer.status.as_u16(), answer.body.as_str()),
        (status, body)
    );
}

async fn seed(app: &TestApp, module: &str, items: &[(&str, &str)]) {
    for (path, document) in items {
        let path = format!("/{module}/{path}");
        let answer = app.send("PUT", &path, (*document).to_owned()).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
    }
}

/// The sort keys of a list, page by page.
async fn sorts(app: &TestApp, list: &str) -> Vec<Value> {
    let (mut found, mut cursor) = (Vec::new(), String::new());
    let and = if list.contains('?') { '&' } else { '?' };
    loop {
        let answer = app.get(&format!("{list}{and}limit=2{cursor}")).await;
        assert_eq!(answer.status, 200, "{list}: {}", answer.body);
        let page = document_of(&answer.body);
        let page = page.get("LIST").unwrap_or(&page);
        for item in page["items"].as_array().unwrap() {
            found.push(match item.get("id") {
                Some(id) => id[1].clone(),
                None => item.get("bookingId").unwrap_or(&item["day"]).clone(),
            });
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

#[tokio::test]
async fn an_item_has_both_names_in_every_verb() {
    let app = TestApp::start(MODULES).await;
    let path = "/texts/sala%2090/b%2F1";
    let key = r#""roomId":"sala 90","bookingId":"b/1""#;
    for (method, sent, expected) in [
        (
            "POST",
            r#"{"n":1}"#,
            format!(r#"{{"POST":{{{key},"data":{{"n":1}}}}}}"#),
        ),
        (
            "PUT",
            r#"{"n":2}"#,
            format!(r#"{{"PUT":{{{key},"item":{{"data":{{"S":"{{\"n\":2}}"}}}}}}}}"#),
        ),
        (
            "PATCH",
            r#"{"n":3}"#,
            format!(r#"{{"PATCH":{{{key},"item":{{"data":{{"S":"{{\"n\":3}}"}}}}}}}}"#),
        ),
        (
            "GET",
            "",
            format!(r#"{{"GET":{{{key},"data":"{{\"n\":3}}"}}}}"#),
        ),
        ("DELETE", "", format!(r#"{{"DELETE":{{{key}}}}}"#)),
    ] {
        assert_answer(&app.send(method, path, sent).await, 200, &expected);
    }
    assert_eq!(app.get(path).await.status, 404);

    let path = "/members/sala90/b1";
    for (method, sent, status, expected) in [
        ("PUT", r#"{"n":1}"#, 201, r#"{"n":1}"#),
        ("PUT", r#"{"n":2,"roomId":"sala90"}"#, 200, r#"{"n":2}"#),
        ("PATCH", r#"{"m":[1]}"#, 200, r#"{"m":[1],"n":2}"#),
        ("GET", "", 200, r#"{"m":[1],"n":2}"#),
        ("DELETE", "", 204, ""),
        ("GET", "", 404, ""),
    ] {
        let answer = app.send(method, path, sent).await;
        let body = if status == 404 { "" } else { &answer.body };
        assert_eq!(
            (answer.status.as_u16(), body),
            (status, expected),
            "{method}"
        );
    }
}

#[tokio::test]
async fn the_table_has_both_attributes() {
    let app = TestApp::start(MODULES).await;
    seed(&app, "texts", &[("sala90/b1", r#"{"n":1}"#)]).await;
    seed(&app, "numbered", &[("2026/1.5", r#"{"n":1}"#)]).await;
    let scan = async |table: &str| {
        let output = app.dynamodb.scan().table_name(table).send().await.unwrap();
        output.items.unwrap().remove(0)
    };
    let item = scan("texts-local").await;
    assert_eq!(item["roomId"].as_s().unwrap(), "sala90");
    assert_eq!(item["bookingId"].as_s().unwrap(), "b1");
    let item = scan("numbered-local").await;
    assert_eq!(item["year"].as_n().unwrap(), "2026");
    assert_eq!(item["day"].as_n().unwrap(), "1.5");
}

#[tokio::test]
async fn a_partition_is_listed_in_the_order_of_its_sort_key() {
    let app = TestApp::start(MODULES).await;
    let items = ["a/b3", "a/b1", "a/c", "a/b2", "b/b1"].map(|path| (path, r#"{"n":1}"#));
    for module in ["texts", "members", "shown"] {
        seed(&app, module, &items).await;
    }
    for module in ["texts", "members"] {
        for (query, expected) in [
            ("", &["b1", "b2", "b3", "c"][..]),
            ("?order=desc", &["c", "b3", "b2", "b1"]),
            ("?consistent=true", &["b1", "b2", "b3", "c"]),
            ("?bookingId=b2", &["b2"]),
            ("?bookingId.lt=b2", &["b1"]),
            ("?bookingId.le=b2", &["b1", "b2"]),
            ("?bookingId.gt=b2", &["b3", "c"]),
            ("?bookingId.ge=b2&bookingId.le=b3", &["b2", "b3"]),
            ("?bookingId.begins_with=b&order=desc", &["b3", "b2", "b1"]),
            ("?bookingId.ge=x&bookingId.le=a", &[]),
        ] {
            let found = sorts(&app, &format!("/{module}/a{query}")).await;
            assert_eq!(found, expected, "{module} {query}");
        }
        assert_eq!(
            sorts(&app, &format!("/{module}/none")).await,
            Vec::<Value>::new()
        );
        assert_eq!(sorts(&app, &format!("/{module}")).await.len(), 5);
    }
    let list = app.get("/texts/b?limit=2").await;
    assert_answer(
        &list,
        200,
        r#"{"LIST":{"items":[{"roomId":"b","bookingId":"b1","data":"{\"n\":1}"}],"next":null}}"#,
    );
    assert_answer(
        &app.get("/members/b?fields=m").await,
        200,
        r#"{"items":[{"id":["b","b1"],"item":{}}],"next":null}"#,
    );
    assert_answer(
        &app.get("/shown/b").await,
        200,
        r#"{"items":[{"id":["b","b1"],"item":{"roomId":"b","bookingId":"b1","n":1}}],"next":null}"#,
    );
}

/// Whoever sorts texts has 10 before 9.
#[tokio::test]
async fn numbers_are_in_the_order_of_numbers() {
    let app = TestApp::start(MODULES).await;
    let items = ["2026/10", "2026/9", "2026/-1", "2026/0.5", "2025/1"];
    seed(&app, "numbered", &items.map(|path| (path, r#"{"n":1}"#))).await;
    for (query, expected) in [
        ("", json!([-1, 0.5, 9, 10])),
        ("?order=desc", json!([10, 9, 0.5, -1])),
        ("?day.ge=0&day.le=9.0", json!([0.5, 9])),
        ("?day=1e1", json!([10])),
    ] {
        let found = sorts(&app, &format!("/numbered/2026{query}")).await;
        assert_eq!(json!(found), expected, "{query}");
    }
    assert_answer(
        &app.get("/numbered/2025").await,
        200,
        r#"{"LIST":{"items":[{"year":2025,"day":1,"data":"{\"n\":1}"}],"next":null}}"#,
    );
}

#[tokio::test]
async fn an_item_is_created_in_a_partition() {
    let app = TestApp::start(MODULES).await;
    let created = app.send("POST", "/texts/sala%2F90", r#"{"n":1}"#).await;
    assert_eq!(created.status, 201, "{}", created.body);
    let location = created.header("location").to_owned();
    assert!(location.starts_with("/texts/sala%2F90/0"), "{location}");
    let item = document_of(&created.body);
    assert_eq!(item["POST"]["roomId"], "sala/90");
    let sort = item["POST"]["bookingId"].as_str().unwrap();
    assert!(location.ends_with(sort), "{location} {sort}");
    assert_eq!(app.get(&location).await.status, 200);
    let second = app.send("POST", "/texts/sala%2F90", r#"{"n":2}"#).await;
    assert_eq!(second.status, 201);
    let found = sorts(&app, "/texts/sala%2F90").await;
    assert_eq!(found[0], sort, "the order is that of time");
    assert_eq!(found.len(), 2);
    // A document may say the partition that it is sent to.
    let shown = app
        .send("POST", "/shown/a", r#"{"roomId":"a","n":1}"#)
        .await;
    assert_eq!(shown.status, 201, "{}", shown.body);
    assert_eq!(document_of(&shown.body)["roomId"], "a");
}

#[tokio::test]
async fn what_lacks_a_key_is_answered_with_its_name() {
    let app = TestApp::start(MODULES).await;
    for (method, path, status, sentence) in [
        ("PUT", "/texts", 400, "Please provide roomId"),
        ("DELETE", "/texts/", 400, "Please provide roomId"),
        ("POST", "/texts", 400, "Please provide roomId"),
        ("PUT", "/texts/sala90", 400, "Please provide bookingId"),
        ("PATCH", "/texts/sala90/", 400, "Please provide bookingId"),
        ("DELETE", "/texts/sala90", 400, "Please provide bookingId"),
        ("GET", "/texts//b1", 400, "Please provide roomId"),
        ("GET", "/texts//", 400, "Please provide roomId"),
        (
            "POST",
            "/numbered/2026",
            400,
            "Please provide day in the path: it is a number, and only strings are generated",
        ),
        (
            "GET",
            "/numbered/2026/01",
            400,
            "Please provide a valid day: the number is not in plain form; write `1`",
        ),
        (
            "GET",
            "/numbered/x",
            400,
            "Please provide a valid year: it is not a number",
        ),
        (
            "GET",
            "/texts/a?name=x",
            400,
            "Please provide a valid query: `name` is unknown here; a list takes `limit`, `cursor`, \
             `consistent` and `fields`, and the list of a partition takes `order` and conditions on \
             `bookingId`",
        ),
    ] {
        let answer = app.send(method, path, r#"{"n":1}"#).await;
        let said = document_of(&answer.body);
        assert_eq!(answer.status.as_u16(), status, "{method} {path}: {said}");
        assert_eq!(said["ERROR"]["message"], sentence, "{method} {path}");
    }
    for (path, allow) in [
        ("/texts", "GET, HEAD, OPTIONS"),
        ("/texts/a", "GET, HEAD, POST, OPTIONS"),
        ("/texts/a/b", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
    ] {
        let options = app.send("OPTIONS", path, "").await;
        assert_eq!(options.header("allow"), allow, "{path}");
    }
    let long = "x".repeat(1_025);
    let answer = app.get(&format!("/texts/a/{long}")).await;
    assert_eq!(answer.status, 400, "{}", answer.body);
    assert!(answer.body.contains("at most 1024"), "{}", answer.body);
    let longest = format!("/texts/{}/{}", "p".repeat(2_048), "s".repeat(1_024));
    let answer = app.send("POST", &longest, r#"{"n":1}"#).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(app.get(&longest).await.status, 200);
}

#[tokio::test]
async fn a_write_under_a_tag_is_of_one_item_of_its_partition() {
    let app = TestApp::start(MODULES).await;
    for module in ["texts", "members"] {
        let items = [("a/1", r#"{"n":1}"#), ("a/2", r#"{"n":2}"#)];
        seed(&app, module, &items).await;
        let path = format!("/{module}/a/1");
        let tag = app.get(&path).await.header("etag").to_owned();
        let send = async |path: &str, tag: &str| {
            let request = app
                .request("PUT", path)
                .header("content-type", "application/json")
                .header("if-match", tag);
            let request = request.body(r#"{"n":3}"#.to_owned().into()).unwrap();
            app.client.send(request).await.status.as_u16()
        };
        assert_eq!(send(&format!("/{module}/a/2"), &tag).await, 412);
        assert_eq!(send(&path, &tag).await, 200);
        assert_eq!(send(&path, &tag).await, 412);
    }
}

#[tokio::test]
async fn a_batch_names_items_by_both_keys() {
    let app = TestApp::start(MODULES).await;
    for atomic in [false, true] {
        let writes = json!({ "atomic": atomic, "operations": [
            { "op": "put", "id": ["a", "1"], "item": { "n": 1 } },
            { "op": "put", "id": ["a", "2"], "item": { "n": 2 } },
            { "op": "delete", "id": ["b", "1"] },
        ]});
        let reads = json!({ "atomic": atomic, "operations": [
            { "op": "get", "id": ["a", "2"] },
            { "op": "get", "id": ["b", "1"] },
            { "op": "get", "id": ["a", "1"] },
        ]});
        let send = async |module: &str, body: &Value| {
            let path = format!("/_batch/{module}");
            app.send("POST", &path, body.to_string()).await.body
        };
        assert_eq!(
            send("texts", &writes).await,
            r#"{"BATCH":{"results":[{"status":200,"PUT":{"roomId":"a","bookingId":"1"}},{"status":200,"PUT":{"roomId":"a","bookingId":"2"}},{"status":200,"DELETE":{"roomId":"b","bookingId":"1"}}]}}"#
        );
        assert_eq!(
            send("texts", &reads).await,
            r#"{"BATCH":{"results":[{"status":200,"GET":{"roomId":"a","bookingId":"2","data":"{\"n\":2}"}},{"status":404,"ERROR":{"message":"Resource does not exist"}},{"status":200,"GET":{"roomId":"a","bookingId":"1","data":"{\"n\":1}"}}]}}"#
        );
        let results = document_of(&send("members", &writes).await)["results"].clone();
        assert_eq!(results[0], json!({ "id": ["a", "1"], "status": 204 }));
        let results = document_of(&send("members", &reads).await)["results"].clone();
        let expected = json!({ "id": ["a", "2"], "status": 200, "item": { "n": 2 } });
        assert_eq!(results[0], expected);
        assert_eq!(results[1]["id"], json!(["b", "1"]));
        let writes = json!({ "atomic": atomic, "operations": [
            { "op": "put", "id": [2026, 1.0], "item": { "n": 1 } },
        ]});
        assert_eq!(
            send("numbered", &writes).await,
            r#"{"BATCH":{"results":[{"status":200,"PUT":{"year":2026,"day":1}}]}}"#
        );
    }
    for (body, sentence) in [
        (
            json!({ "operations": [{ "op": "get", "id": "a" }] }),
            "`/operations/0/id` is not an id of this module: an array of the partition key and the \
             sort key is needed",
        ),
        (
            json!({ "operations": [
                { "op": "get", "id": ["a", "1"] }, { "op": "get", "id": ["a", "1"] },
            ]}),
            "`/operations/0` and `/operations/1` are of the same id",
        ),
    ] {
        let answer = app.send("POST", "/_batch/texts", body.to_string()).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        assert!(answer.body.contains(sentence), "{}", answer.body);
    }
    let empty = json!({ "operations": [{ "op": "get", "id": ["a", ""] }] });
    let answer = app.send("POST", "/_batch/members", empty.to_string()).await;
    let result = &document_of(&answer.body)["results"][0];
    assert_eq!(result["id"], json!(["a", ""]));
    assert_eq!(
        result["problem"]["detail"],
        "Please provide a valid bookingId: the id is empty"
    );
}

#[tokio::test]
async fn a_post_with_a_key_is_done_once_in_its_partition() {
    let app = TestApp::start(MODULES).await;
    for module in ["texts", "members"] {
        let send = async |path: &str, key: &str| {
            let request = app
                .request("POST", path)
                .header("content-type", "application/json")
                .header("idempotency-key", key.to_owned());
            let request = request.body(r#"{"n":1}"#.to_owned().into()).unwrap();
            app.client.send(request).await
        };
        let path = format!("/{module}/a");
        let first = send(&path, "new").await;
        let again = send(&path, "new").await;
        assert_eq!(first.status, 201, "{}", first.body);
        assert_eq!(again.status, 201, "{}", again.body);
        assert_eq!(again.body, first.body);
        assert_eq!(again.header("location"), first.header("location"));
        assert_eq!(sorts(&app, &path).await.len(), 1);
        // In another partition it would be another write.
        assert_eq!(send(&format!("/{module}/b"), "new").await.status, 422);
        let item = format!("/{module}/b/1");
        let first = send(&item, "named").await;
        let again = send(&item, "named").await;
        assert_eq!((first.status, &first.body), (again.status, &again.body));
        assert_eq!(send(&format!("/{module}/b/2"), "named").await.status, 422);
        assert_eq!(sorts(&app, &format!("/{module}/b")).await, ["1"]);
    }
}

#[tokio::test]
async fn what_has_expired_is_not_in_its_partition() {
    let app = TestApp::start(MODULES).await;
    let past = r#"{"expiresAt":1000000000}"#;
    seed(
        &app,
        "members",
        &[("a/1", past), ("a/2", r#"{"n":2}"#), ("a/3", past)],
    )
    .await;
    assert_eq!(sorts(&app, "/members/a").await, ["2"]);
    assert_eq!(app.get("/members/a/1").await.status, 404);
}

#[tokio::test]
async fn an_index_stands_beside_a_sort_key() {
    let app = TestApp::start(MODULES).await;
    let items = [
        ("a/1", r#"{"owner":"x","name":"c"}"#),
        ("a/2", r#"{"owner":"x","name":"b"}"#),
        ("b/1", r#"{"owner":"x","name":"a"}"#),
        ("b/2", r#"{"owner":"y","name":"a"}"#),
    ];
    seed(&app, "members", &items).await;
    assert_eq!(sorts(&app, "/members?owner=x").await, ["1", "2", "1"]);
    let descending = sorts(&app, "/members?owner=x&name.gt=a&order=desc").await;
    assert_eq!(descending, ["1", "2"]);
}

#[tokio::test]
async fn a_document_says_its_own_keys_or_none() {
    let app = TestApp::start(MODULES).await;
    let path = "/shown/a/1";
    let full = r#"{"roomId":"a","bookingId":"1","n":1}"#;
    for sent in [full, r#"{"n":1}"#, r#"{"n":1,"bookingId":"1"}"#] {
        let answer = app.send("PUT", path, sent).await;
        assert!(answer.status.is_success(), "{sent}: {}", answer.body);
        assert_eq!(answer.body, full);
    }
    assert_eq!(app.get(path).await.body, full);
    for sent in [r#"{"roomId":"b","n":1}"#, r#"{"n":1,"bookingId":1}"#] {
        assert_eq!(app.send("PUT", path, sent).await.status, 400, "{sent}");
    }
    assert_eq!(
        app.send("POST", "/shown/a", r#"{"bookingId":"1","n":1}"#)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn what_is_exported_names_both_keys_and_can_be_imported() {
    let folder = Folder::with(MODULES);
    let path = |name: &str| folder.path().join(name).display().to_string();
    for (module, lines) in [
        (
            "texts",
            "{\"id\":[\"a\",\"1\"],\"item\":{\"n\":1}}\n{\"id\":[\"a\",\"b/1\"],\"item\":[2]}\n",
        ),
        (
            "members",
            "{\"id\":[\"a\",\"1\"],\"item\":{\"n\":1}}\n{\"id\":[\"a\",\"2\"],\"item\":{\"n\":2}}\n",
        ),
        (
            "numbered",
            "{\"id\":[2026,-1.5],\"item\":[1]}\n{\"id\":[2026,1e+40],\"item\":[2]}\n",
        ),
    ] {
        std::fs::write(path("lines"), lines).unwrap();
        let (status, _, said) = folder.run(&["import", module, &path("lines")]).await;
        assert_eq!(status, Some(0), "{said}");
        let (status, exported, said) = folder.run(&["export", module]).await;
        assert_eq!(status, Some(0), "{said}");
        assert_eq!(exported, lines);
    }
    for (line, expected) in [
        (
            r#"{"id":"a","item":[1]}"#,
            "item `a`: an array of the partition key and the sort key is needed",
        ),
        (
            r#"{"id":["a",1],"item":[1]}"#,
            "item `[\"a\",1]`: a string is needed",
        ),
        (
            "{\"id\":[\"a\",\"1\"],\"item\":[1]}\n{\"id\":[\"a\",\"1\"],\"item\":[1]}",
            "line 1 has the same id",
        ),
    ] {
        std::fs::write(path("wrong"), line).unwrap();
        let (status, _, said) = folder.run(&["import", "texts", &path("wrong")]).await;
        assert_eq!(status, Some(1), "{line}: {said}");
        assert!(said.contains(expected), "{line}: {said}");
        let valid = r#"A valid line is {"id":["sala90","b1"],"item":{"chairs":90}}"#;
        assert!(said.contains(valid), "{said}");
    }
    let served = folder.serve(&[]).await;
    let list = served.send("GET", "/texts/a", "").await;
    assert_eq!(
        list.body,
        r#"{"LIST":{"items":[{"roomId":"a","bookingId":"1","data":"{\"n\":1}"},{"roomId":"a","bookingId":"b/1","data":"[2]"}],"next":null}}"#
    );
}

#[tokio::test]
async fn the_description_has_the_paths_of_both_keys() {
    let app = TestApp::start(MODULES).await;
    let document = document_of(&app.get("/_openapi.json").await.body);
    let paths = document["paths"].as_object().unwrap();
    for module in ["texts", "members", "shown", "numbered"] {
        let described: Vec<_> = paths
            .keys()
            .filter(|path| path.split('/').any(|segment| segment == module))
            .cloned()
            .collect();
        let expected = [
            format!("/_batch/{module}"),
            format!("/{module}"),
            format!("/{module}/{{partition}}"),
            format!("/{module}/{{partition}}/{{sort}}"),
        ];
        assert_eq!(described, expected);
        for path in described {
            let real = path.replace("{partition}", "1").replace("{sort}", "2");
            let options = app.send("OPTIONS", &real, "").await;
            let mut served: Vec<_> = options.header("allow").split(", ").collect();
            let methods = paths[&path].as_object().unwrap().keys();
            let mut methods: Vec<_> = methods.map(|method| method.to_uppercase()).collect();
            served.sort_unstable();
            methods.sort_unstable();
            assert_eq!(served, methods, "{path}");
        }
    }
    assert!(paths["/texts/{partition}"]["post"].is_object());
    assert!(paths["/texts"].get("post").is_none());
    assert!(paths["/numbered/{partition}"].get("post").is_none());
    let list = &paths["/numbered/{partition}"]["get"];
    insta::assert_snapshot!(format!("{:#}", list["parameters"]));
    let example = &list["responses"]["200"]["content"]["application/json"]["example"];
    assert_eq!(
        example["LIST"]["items"][0],
        json!({ "year": 90, "day": 1, "data": r#"{"description":"Sala 90","chairs":90}"# })
    );
    let schemas = &document["components"]["schemas"];
    assert_eq!(
        schemas["members.Operation"]["properties"]["id"],
        json!({
            "description": "The partition key and the sort key.",
            "type": "array",
            "minItems": 2,
            "maxItems": 2,
            "items": { "type": "string" },
        })
    );
}

#[tokio::test]
async fn the_routes_name_both_keys() {
    let folder = Folder::with(MODULES);
    let (status, routes, _) = folder.run(&["routes"]).await;
    assert_eq!(status, Some(0));
    let lines: Vec<_> = routes
        .lines()
        .filter(|line| line.starts_with("/texts"))
        .collect();
    insta::assert_snapshot!(lines.join("\n"), @"
    /texts                         GET                        texts-local     roomId, bookingId
    /texts/<roomId>                GET POST                   texts-local     roomId, bookingId
    /texts/<roomId>/<bookingId>    GET POST PUT PATCH DELETE  texts-local     roomId, bookingId
    ");
}

#[test]
fn what_serve_says_to_try_is_valid() {
    for key in [
        "'id'",
        "{ attribute = 'id', type = 'N' }",
        "{ partition = 'roomId', sort = 'bookingId' }",
        "{ partition = { attribute = 'year', type = 'N' }, sort = { attribute = 'day', type = 'N' } }",
    ] {
        let config = parse(&format!("[modules.tried]\nkey = {key}\n"));
        let key = config.modules.iter().next().unwrap().key();
        let examples = modulo::api::listing::examples(&config, "");
        for line in examples.lines().take(2) {
            let (_, rest) = line.split_once("/tried/").unwrap();
            let id = rest.split(' ').next().unwrap();
            assert!(ItemId::from_path(id, key).is_ok(), "{line}");
        }
        assert!(examples.ends_with("/tried\n"), "{examples}");
    }
}
