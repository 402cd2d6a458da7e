//! A browser's preflight through every front door.

use super::{Call, Fixture, FrontDoor, Reply};

const APP: &str = "https://app.example.com";
const EXPOSED: &str = "etag,location,retry-after,www-authenticate,server-timing,x-request-id";
const VARY: &str = "origin, access-control-request-method, access-control-request-headers";

#[tokio::test]
async fn a_page_may_call_through_every_front_door() {
    let mut fixture = Fixture::with(&[("MODULO__SERVICE__CORS__ORIGINS", APP)]).await;
    let allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
    let mut allowed = Reply::empty(204)
        .header("allow", allow)
        .header("access-control-allow-methods", allow)
        .header("access-control-allow-headers", "content-type")
        .header("access-control-allow-origin", APP)
        .header("access-control-max-age", "600")
        .header("vary", VARY);
    // No cache keeps an answer to OPTIONS.
    allowed.headers.remove("cache-control");
    let absent = Reply::error(404, "Resource does not exist")
        .header("access-control-allow-origin", APP)
        .header("access-control-expose-headers", EXPOSED)
        .header("vary", VARY);
    for door in FrontDoor::ALL {
        let call = Call::new("OPTIONS", "/modulo1/x")
            .header("origin", APP)
            .header("access-control-request-method", "PUT")
            .header("access-control-request-headers", "content-type");
        fixture.check(door, &call, &allowed).await;
        let call = Call::new("GET", "/modulo1/x").header("origin", APP);
        fixture.check(door, &call, &absent).await;
    }
}
