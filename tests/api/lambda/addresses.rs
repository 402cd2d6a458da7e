//! The client's address, as every front door tells it.

use super::{Call, Fixture, FrontDoor, Reply};

#[tokio::test]
async fn callers_are_reported_apart_through_every_front_door() {
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

/// A load balancer that is told to tells the client's port as well.
#[tokio::test]
async fn a_port_is_no_part_of_an_address() {
    let limits = [
        ("MODULO__DEFAULTS__RATE_LIMIT__REQUESTS", "1"),
        ("MODULO__DEFAULTS__RATE_LIMIT__PER", "365d"),
    ];
    for door in [FrontDoor::Alb, FrontDoor::AlbMultiValue] {
        let mut fixture = Fixture::with(&limits).await;
        let event = door.event(&Call::new("GET", "/modulo1/x")).to_string();
        for (forwarded, status) in [
            ("203.0.113.1:1001", 404),
            ("203.0.113.1:1002", 429),
            ("203.0.113.1", 429),
            ("203.0.113.2:1001", 404),
            ("203.0.113.9, 203.0.113.3:1001", 404),
            ("[2001:db8::1]:1001", 404),
            ("[2001:db8::2]:1002", 429),
            ("[2001:db8::1]", 429),
            ("2001:db8::1", 429),
            ("2001:db8:0:1::1", 404),
        ] {
            let event = event.replace("203.0.113.17", forwarded);
            let event = serde_json::from_str(&event).unwrap();
            let reply = fixture.function.reply(door, &event).await;
            assert_eq!(reply.status, status, "{forwarded} through {door:?}");
        }
    }
}
