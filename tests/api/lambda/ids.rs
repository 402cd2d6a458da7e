//! Any id that is valid comes through every front door unharmed: decoded once, nothing
//! normalised.

use serde_json::json;

use super::{Call, DOCUMENT, Fixture, FrontDoor, Reply};

/// What a client writes after `/modulo1/`, and the id that it means.
const IDS: &[(&str, &str)] = &[
    ("sala90", "sala90"),
    // Slashes, as sent and as some front doors deliver them.
    ("a%2Fb", "a/b"),
    ("a%2fb", "a/b"),
    ("a/b", "a/b"),
    ("/x", "/x"),
    ("x/", "x/"),
    ("/", "/"),
    ("a//b", "a//b"),
    ("%2F%2F", "//"),
    // What a URL parser would resolve.
    (".", "."),
    ("..", ".."),
    ("%2E%2E", ".."),
    ("a/../b", "a/../b"),
    ("a/./b", "a/./b"),
    ("../prod/x", "../prod/x"),
    ("%2e%2e%2fprod", "../prod"),
    ("\\..\\", "\\..\\"),
    // What decoding twice would change.
    ("100%25", "100%"),
    ("a%2541", "a%41"),
    ("%252F", "%2F"),
    ("%2525", "%25"),
    ("%25ff", "%ff"),
    // What isn't an escape stays as it is.
    ("100%", "100%"),
    ("%zz", "%zz"),
    ("a+b", "a+b"),
    ("a%2Bb", "a+b"),
    // What would end the path if it were decoded too early.
    ("what%3Fwhy", "what?why"),
    ("a%23b", "a#b"),
    ("a%26b%3Dc", "a&b=c"),
    ("a;b=c,d", "a;b=c,d"),
    ("a:b@c", "a:b@c"),
    // White space and controls.
    ("sala%2090", "sala 90"),
    ("sala 90", "sala 90"),
    ("%20", " "),
    ("a%09b%0Ac", "a\tb\nc"),
    ("%7F", "\u{7f}"),
    // Beyond ASCII, encoded and not; composed and not.
    ("caf%C3%A9", "café"),
    ("café", "café"),
    ("cafe%CC%81", "cafe\u{301}"),
    ("%F0%9F%8E%B8", "🎸"),
    ("🎸", "🎸"),
    ("%E2%80%AE%EF%BB%BF", "\u{202e}\u{feff}"),
    // JSON's and Rust's own.
    ("%22quoted%22", "\"quoted\""),
    ("%7Bid%7D", "{id}"),
    ("{id}", "{id}"),
    ("*", "*"),
    // Names with a meaning elsewhere.
    ("modulo1", "modulo1"),
    ("prod", "prod"),
    ("_health", "_health"),
];

/// Writes and reads an item; the document is one that no other check has written.
async fn check_id(fixture: &mut Fixture, door: FrontDoor, written: &str, id: &str) {
    let path = format!("/modulo1/{written}");
    let document = json!([format!("{door:?}"), written]).to_string();
    let item = json!({"data": {"S": document}});
    let put = Reply::json(200, json!({"PUT": {"modulo1Id": id, "item": item}}));
    let get = Reply::json(200, json!({"GET": {"modulo1Id": id, "data": document}}));

    let call = Call::new("PUT", &path).json(&document);
    fixture.check(door, &call, &put).await;
    assert_eq!(
        fixture.stored(id).await.as_ref(),
        Some(&document),
        "`{written}` through {door:?} must be stored under `{id}`"
    );
    fixture.check(door, &Call::new("GET", &path), &get).await;
}

#[tokio::test]
async fn ids_through_every_front_door() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        for (written, id) in IDS {
            check_id(&mut fixture, door, written, id).await;
        }
    }
}

#[tokio::test]
async fn the_longest_id() {
    let mut fixture = Fixture::start().await;
    let id = "é".repeat(1024);
    for door in FrontDoor::ALL {
        check_id(&mut fixture, door, &"%C3%A9".repeat(1024), &id).await;
    }
}

#[tokio::test]
async fn an_id_of_more_than_2048_bytes() {
    let mut fixture = Fixture::start().await;
    let path = format!("/modulo1/{}x", "%C3%A9".repeat(1024));
    let expected = Reply::error(
        400,
        "Please provide a valid modulo1Id: the id has 2049 bytes, at most 2048 are possible",
    );
    for door in FrontDoor::ALL {
        for call in [
            Call::new("GET", &path),
            Call::new("PUT", &path).json(DOCUMENT),
            Call::new("DELETE", &path),
        ] {
            fixture.check(door, &call, &expected).await;
        }
    }
}

/// An HTTP API decodes the path into the event's JSON, which has no room for such bytes, so only
/// the others can deliver them.
#[tokio::test]
async fn an_id_that_is_not_utf_8() {
    let mut fixture = Fixture::start().await;
    let expected = Reply::error(
        400,
        "Please provide a valid modulo1Id: the id is not UTF-8: byte 1 of it, percent-decoded, begins no character",
    );
    for door in FrontDoor::ALL {
        if !door.decodes_path() {
            let call = Call::new("GET", "/modulo1/a%ffb");
            fixture.check(door, &call, &expected).await;
        }
    }
}
