//! Request ids, hosts, repeated headers and queries.

use serde_json::{Value, json};

use super::call::Body;
use super::{Call, DOCUMENT, Fixture, FrontDoor, Reply};
use crate::access::{Signer, claims};
use crate::runtime_api::Function;

fn absent() -> Reply {
    Reply::error(404, "Resource does not exist")
}

#[tokio::test]
async fn a_client_s_request_id_is_echoed() {
    let mut fixture = Fixture::start().await;
    for id in ["client-7f3a", "Root=1-67;Parent=53", &"x".repeat(128)] {
        let expected = absent().header("x-request-id", id);
        for door in FrontDoor::ALL {
            let call = Call::new("GET", "/modulo1/x").header("x-request-id", id);
            fixture.check(door, &call, &expected).await;
        }
    }
}

/// Every [`Reply`] expects the invocation's id in the header unless told otherwise.
#[tokio::test]
async fn else_the_request_id_is_the_invocation_s() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        let call = Call::new("GET", "/modulo1/x");
        fixture.check(door, &call, &absent()).await;
        // What would spoil a line of the log.
        for id in ["", "café", "a b", &"x".repeat(129)] {
            let call = call.clone().header("x-request-id", id);
            fixture.check(door, &call, &absent()).await;
        }
    }
}

#[tokio::test]
async fn an_event_needs_no_host() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        for domain in [true, false] {
            let mut event = door.event(&Call::new("GET", "/modulo1/x"));
            for member in ["headers", "multiValueHeaders"] {
                if let Some(headers) = event.get_mut(member).and_then(Value::as_object_mut) {
                    headers.retain(|name, _| !name.eq_ignore_ascii_case("host"));
                }
            }
            // Without its domain and a greedy route, its stage may be the module of that name.
            if !domain && door != FrontDoor::HttpApiPayload1NamedStage {
                let context = event["requestContext"].as_object_mut().unwrap();
                context.remove("domainName");
            }
            let reply = fixture.function.reply(door, &event).await;
            let context = format!("{event:#} through {door:?}");
            fixture.function.assert_reply(&reply, &absent(), &context);
        }
    }
}

#[tokio::test]
async fn an_odd_host_is_no_matter() {
    let mut fixture = Fixture::start().await;
    for door in FrontDoor::ALL {
        for host in ["", "a b", "[::1", "münchen.example", "x:99999", "../.."] {
            let mut event = door.event(&Call::new("GET", "/modulo1/x"));
            for (member, name) in [
                ("headers", "host"),
                ("headers", "Host"),
                ("multiValueHeaders", "host"),
                ("multiValueHeaders", "Host"),
            ] {
                let headers = event.get_mut(member);
                if let Some(value) = headers.and_then(|headers| headers.get_mut(name)) {
                    *value = match value {
                        Value::Array(_) => json!([host]),
                        _ => host.into(),
                    };
                }
            }
            let reply = fixture.function.reply(door, &event).await;
            let context = format!("host `{host}` through {door:?}");
            fixture.function.assert_reply(&reply, &absent(), &context);
        }
    }
}

/// HTTP lets a client send any byte but controls.
#[tokio::test]
async fn headers_need_not_be_ascii() {
    let mut fixture = Fixture::start().await;
    for value in ["café", "🎸", "caf\u{c3}\u{a9}", "\u{ff}", "\ttab", ""] {
        for door in FrontDoor::ALL {
            let call = Call::new("GET", "/modulo1/x").header("x-name", value);
            fixture.check(door, &call, &absent()).await;
        }
    }
}

#[tokio::test]
async fn repeated_headers_do_no_harm() {
    let mut fixture = Fixture::start().await;
    let document: Value = serde_json::from_str(DOCUMENT).unwrap();
    let posted = Reply::json(200, json!({"POST": {"modulo1Id": "x", "data": document}}));
    for door in FrontDoor::ALL {
        let call = Call::new("POST", "/modulo1/x")
            .header("accept", "application/json")
            .header("accept", "text/html")
            .header("x-forwarded-for", "198.51.100.7")
            .json(DOCUMENT);
        fixture.check(door, &call, &posted).await;
    }
}

/// Of two credentials none is to be overlooked. A load balancer without multi-value headers hands on
/// the last one only, and function URLs and HTTP APIs make one value of both, which is no key, but
/// for those of payload 1.0.
#[tokio::test]
async fn two_credentials_are_a_mistake() {
    const SECRET: &str = "planted: at least thirty-two bytes";
    let guarded = r#"
        [access.main]
        jwt = { issuer = "https://issuer.example.com/", audience = "modulo", secret = { env = "JWT_SECRET" } }
        [access.partners]
        keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e" }]
        [modules.modulo1]
        key = "modulo1Id"
        access = { guard = "partners" }
        [modules.tokens]
        key = "tokenId"
        access = { guard = "main" }
    "#;
    let fixture = Fixture::start().await;
    let envs = [("JWT_SECRET", SECRET)];
    let mut function = Function::start(guarded, &envs, &fixture.endpoint()).await;
    let token = Signer::Secret(SECRET.into()).token(json!({}), &claims(json!({})));
    let token = format!("Bearer {token}");
    for door in FrontDoor::ALL {
        let refused = match door {
            FrontDoor::HttpApiPayload1
            | FrontDoor::HttpApiPayload1NamedStage
            | FrontDoor::RestApi
            | FrontDoor::RestApiBasePathMapping
            | FrontDoor::RestApiPrefix
            | FrontDoor::AlbMultiValue => 400,
            FrontDoor::Alb => continue,
            _ => 401,
        };
        for (path, name, first, second) in [
            ("/modulo1/x", "x-api-key", "wrong", "first"),
            ("/modulo1/x", "x-api-key", "first", "first"),
            ("/tokens", "authorization", "Bearer wrong", &*token),
        ] {
            let call = Call::new("GET", path)
                .header(name, first)
                .header(name, second);
            let reply = function.call(door, &call).await;
            assert_eq!(reply.status, refused, "{name} through {door:?}: {reply}");
        }
        let one = Call::new("GET", "/modulo1/x").header("x-api-key", "first");
        assert_eq!(function.call(door, &one).await.status, 404, "{door:?}");
    }
}

/// A list reads its query, as it was meant.
#[tokio::test]
async fn a_list_s_query_is_decoded_once() {
    let mut fixture = Fixture::start().await;
    let door = FrontDoor::FunctionUrl;
    for id in ["x", "y"] {
        let call = Call::new("POST", &format!("/modulo1/{id}")).json(DOCUMENT);
        fixture.function.call(door, &call).await;
    }
    let list = |query: &str| Call::new("GET", "/modulo1").query(query);
    let unknown = |name: &str| {
        let message = format!(
            "Please provide a valid query: `{name}` is unknown here; a list takes \
             `limit`, `cursor`, `consistent` and `fields`, and there is no index"
        );
        Reply::error(400, &message)
    };
    let limit = |limit: &str| {
        let message = format!(
            "Please provide a valid query: `limit` is `{limit}`, an integer from 1 to 100 is needed"
        );
        Reply::error(400, &message)
    };
    for door in FrontDoor::ALL {
        for query in [
            "limit=1",
            "limit=%31",
            "l%69mit=1",
            "limit=1&consistent=true",
        ] {
            let reply = fixture.function.call(door, &list(query)).await;
            let Body::Json(body) = &reply.body else {
                panic!("{reply}")
            };
            let next = body["LIST"]["next"].clone();
            let item = |id: &str| json!({"modulo1Id": id, "data": DOCUMENT});
            // Which comes first is DynamoDB's to say.
            let first = body["LIST"]["items"][0]["modulo1Id"].as_str().unwrap();
            let second = if first == "x" { "y" } else { "x" };
            let page = json!({"LIST": {"items": [item(first)], "next": next}});
            let context = format!("{query} through {door:?}");
            let expected = Reply::json(200, page);
            fixture.function.assert_reply(&reply, &expected, &context);

            let cursor = next.as_str().unwrap();
            let rest = list(&format!("cursor={cursor}"));
            let page = json!({"LIST": {"items": [item(second)], "next": null}});
            fixture.check(door, &rest, &Reply::json(200, page)).await;
        }
        for (query, expected) in [
            ("limit=a%26b%3Dc", limit("a&b=c")),
            ("limit=%2531", limit("%31")),
            ("limit=1%2B", limit("1+")),
            ("limit=a+b", limit("a b")),
            ("limit=%F0%9F%8E%B8", limit("🎸")),
            ("a%20%3Cb%3E=1", unknown("a <b>")),
        ] {
            fixture.check(door, &list(query), &expected).await;
        }
    }
}

/// Nothing but a list reads its query, and may not stumble over it.
#[tokio::test]
async fn queries_are_left_alone() {
    let mut fixture = Fixture::start().await;
    for query in [
        "",
        "lang=pt&lang=en",
        "note=a%20b%26c+d",
        "note=%F0%9F%8E%B8&%C3%A9=1",
        "note=100%25&path=%2Fmodulo1%2Fy",
        "=",
        "&&",
        "flag",
        "a=b=c",
        "%ff=%zz%",
        "../y?z#w",
        "a=<b>",
        "a=\"b\"",
        "a={b}|[c]^`d`\\",
        "a=b c",
        "é=🎸",
    ] {
        for door in FrontDoor::ALL {
            let call = Call::new("GET", "/modulo1/x").query(query);
            fixture.check(door, &call, &absent()).await;
        }
    }
}
