//! `service.base_path`, which a front door leaves in the path or does not.

use serde_json::json;

use super::{Call, DOCUMENT, Fixture, FrontDoor, Reply};

const BASE_PATH: (&str, &str) = ("MODULO__SERVICE__BASE_PATH", "/v2/api");

#[tokio::test]
async fn it_is_taken_off_behind_every_front_door() {
    let mut fixture = Fixture::with(&[BASE_PATH]).await;
    let put = json!({"PUT": {"modulo1Id": "a/b", "item": {"data": {"S": DOCUMENT}}}});
    let put = Reply::json(200, put);
    let not_found = Reply::error(404, "Not found");
    for door in FrontDoor::ALL {
        for (path, expected) in [
            ("/v2/api/modulo1/a%2Fb", &put),
            ("/modulo1/a%2Fb", &put),
            ("/v2/api", &not_found),
            ("/v2/api/", &not_found),
            ("/v2/apis/modulo1/x", &not_found),
            ("/v2/modulo1/x", &not_found),
        ] {
            let call = Call::new("PUT", path).json(DOCUMENT);
            fixture.check(door, &call, expected).await;
        }
        let call = Call::new("GET", "/v2/api/_health");
        let reply = fixture.function.call(door, &call).await;
        assert_eq!(reply.status, 200, "{door:?}: {reply}");
    }
}

/// As the client has to ask for it: with what the event tells, else with the setting.
#[tokio::test]
async fn it_stands_in_locations() {
    let mut fixture = Fixture::with(&[BASE_PATH]).await;
    for door in FrontDoor::ALL {
        let told = door.base_path();
        let assumed = if told.is_empty() { "/v2/api" } else { &told };
        for (path, expected) in [
            ("/v2/api/modulo1", format!("{told}/v2/api/modulo1/")),
            ("/modulo1", format!("{assumed}/modulo1/")),
        ] {
            let call = Call::new("POST", path).json(DOCUMENT);
            let reply = fixture.function.call(door, &call).await;
            let location = &reply.headers["location"][0];
            assert!(location.starts_with(&expected), "{door:?}: {reply}");
        }
    }
}
