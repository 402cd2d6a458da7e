//! The client's address, as every front door tells it.

use super::{Call, Fixture, FrontDoor, Reply};

#[tokio::test]
async fn callers_are_told_apart_through_every_front_door() {
    let limits = [
        ("MODULO__DEFAULTS__RATE_LIMIT__REQUESTS", "1"),
        ("MODULO__DEFAULTS__RATE_LIMIT__PER", "365d"),
    ];
    for door in FrontDoor::ALL {
        // Whose event names no other caller than the machine itself.
        if door == FrontDoor::CargoLambdaWatch {
            continue;
        }
        let mut fixture = Fixture::with(&limits).await;
        let event = door.event(&Call::new("GET", "/modulo1/x"));
        let other = event.to_string().replace("203.0.113.17", "203.0.113.18");
        let other = serde_json::from_str(&other).unwrap();
        let absent = Reply::error(404, "Resource does not exist");
        for (event, served) in [
            (&event, true),
            (&event, false),
            (&other, true),
            (&other, false),
        ] {
            let reply = fixture.function.reply(door, event).await;
            let context = format!("{event:#} through {door:?}");
            if served {
                fixture.function.assert_reply(&reply, &absent, &context);
            } else {
                assert_eq!(reply.status, 429, "{context}");
            }
        }
    }
}
