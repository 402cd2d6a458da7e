//! Answers are cut to what the front door takes, which [`Reply`] makes sure of for each.

use serde_json::{Value, json};

use super::call::Body;
use super::{Call, Fixture, FrontDoor, Reply};

/// One with each limit.
const DOORS: [FrontDoor; 3] = [
    FrontDoor::FunctionUrl,
    FrontDoor::Alb,
    FrontDoor::AlbMultiValue,
];

impl Fixture {
    /// Stores under ids that begin with `i`.
    async fn fill(&mut self, items: usize, document: &str) {
        for n in 0..items {
            let call = Call::new("POST", &format!("/modulo1/i{n}")).json(document);
            let reply = self.function.call(FrontDoor::FunctionUrl, &call).await;
            assert_eq!(reply.status, 200, "{reply}");
        }
    }

    async fn json(&mut self, door: FrontDoor, call: &Call) -> Value {
        let reply = self.function.call(door, call).await;
        match reply.body {
            Body::Json(json) => json,
            Body::Text(text) => panic!("{door:?}: {text}"),
        }
    }
}

/// A list of 14 items of 60 KB, half of them quotation marks.
#[tokio::test]
async fn a_page_is_as_long_as_the_front_door_takes() {
    let mut fixture = Fixture::start().await;
    let document = format!("\"{}{}\"", "\\\"".repeat(15_000), "x".repeat(30_000));
    fixture.fill(14, &document).await;
    for door in DOORS {
        let (mut ids, mut pages, mut query) = (Vec::new(), 0, "limit=100".to_owned());
        loop {
            let page = fixture
                .json(door, &Call::new("GET", "/modulo1").query(&query))
                .await;
            let items = page["LIST"]["items"].as_array().unwrap();
            let id = |item: &Value| item["modulo1Id"].as_str().unwrap().to_owned();
            ids.extend(items.iter().map(id));
            pages += 1;
            match page["LIST"]["next"].as_str() {
                Some(cursor) => query = format!("limit=100&cursor={cursor}"),
                None => break,
            }
        }
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 14, "{door:?}");
        // 150 KB each, as JSON within JSON.
        let expected = if door == FrontDoor::FunctionUrl { 1 } else { 3 };
        assert_eq!(pages, expected, "{door:?}");
    }
}

#[tokio::test]
async fn a_batch_s_items_are_as_many_as_the_front_door_takes() {
    let mut fixture = Fixture::start().await;
    fixture
        .fill(5, &format!("\"{}\"", "x".repeat(350_000)))
        .await;
    let gets = (0..5).map(|n| json!({"op": "get", "id": format!("i{n}")}));
    let put = json!({"op": "put", "id": "new", "item": [1]});
    let operations: Vec<_> = gets.chain([put]).collect();
    let batch = json!({ "operations": operations }).to_string();
    for door in DOORS {
        let call = Call::new("POST", "/_batch/modulo1").json(&batch);
        let answer = fixture.json(door, &call).await;
        let results = answer["BATCH"]["results"].as_array().unwrap();
        let statuses: Vec<_> = results
            .iter()
            .map(|r| r["status"].as_u64().unwrap())
            .collect();
        if door == FrontDoor::FunctionUrl {
            assert_eq!(statuses, [200; 6], "{door:?}");
        } else {
            assert_eq!(statuses, [200, 200, 413, 413, 413, 200], "{door:?}");
        }
    }
}

/// 174,000 quotation marks: 348 KB as a document, 1.4 MB within an event's answer.
#[tokio::test]
async fn an_item_that_cannot_be_answered_with_is_refused() {
    let mut fixture = Fixture::start().await;
    let document = format!("\"{}\"", "\\\"".repeat(174_000));
    fixture.fill(1, &document).await;
    let too_large = |size: usize| {
        let message = format!(
            "Please ask for less: the answer has {size} bytes as JSON, and a load balancer takes 983616"
        );
        Reply::error(413, &message)
    };
    let get = Call::new("GET", "/modulo1/i0");
    let list = Call::new("GET", "/modulo1");
    let put = Call::new("PUT", "/modulo1/put").json(&document);
    for door in DOORS {
        if door == FrontDoor::FunctionUrl {
            for call in [&get, &list] {
                let reply = fixture.function.call(door, call).await;
                assert_eq!(reply.status, 200, "{door:?}");
            }
            continue;
        }
        fixture.check(door, &get, &too_large(1_392_054)).await;
        fixture.check(door, &list, &too_large(1_392_083)).await;
        // Before it is done, not after.
        fixture.check(door, &put, &too_large(1_392_074)).await;
        assert_eq!(fixture.stored("put").await, None);
        // The answer of POST has the document itself in it, and so is half as long.
        let post = Call::new("POST", "/modulo1/post").json(&document);
        let reply = fixture.function.call(door, &post).await;
        assert_eq!(reply.status, 200, "{door:?}");
        assert_eq!(fixture.stored("post").await.as_ref(), Some(&document));
        let delete = Call::new("DELETE", "/modulo1/post");
        fixture.function.call(door, &delete).await;
    }
    // The log tells the status that the client got.
    let log = fixture.function.output("stdout");
    assert_eq!(
        log.matches(r#""http.response.status_code":413"#).count(),
        6,
        "{log}"
    );
}
