//! What texts the keys take.

use super::super::Text;
use crate::module::limits;

const fn text(pattern: &'static str) -> Text {
    Text {
        pattern,
        longest: None,
    }
}

const fn text_up_to(longest: usize, pattern: &'static str) -> Text {
    Text {
        pattern,
        longest: Some(longest),
    }
}

pub(super) const SERVICE_NAME: Text = text_up_to(50, r"^[A-Za-z][A-Za-z0-9-]*$");
/// Of a module, a guard, or the owner of an API key.
pub(super) const NAME: Text = text_up_to(100, r"^[A-Za-z0-9][A-Za-z0-9_-]*$");
pub(super) const BASE_PATH: Text = text_up_to(256, r"^(?!/_)(/(?!\.{1,2}(/|$))[A-Za-z0-9._~-]+)+$");
/// A level, or one for each of some targets.
pub(super) const FILTER: Text = text(concat!(
    r"^([^,=]*=[^,]*|\s*([0-5]|[Oo][Ff][Ff]|[Ee][Rr][Rr][Oo][Rr]|[Ww][Aa][Rr][Nn]|[Ii][Nn][Ff][Oo]",
    r"|[Dd][Ee][Bb][Uu][Gg]|[Tt][Rr][Aa][Cc][Ee])\s*)",
    r"(,([^,=]*=[^,]*|\s*([0-5]|[Oo][Ff][Ff]|[Ee][Rr][Rr][Oo][Rr]|[Ww][Aa][Rr][Nn]|[Ii][Nn][Ff][Oo]",
    r"|[Dd][Ee][Bb][Uu][Gg]|[Tt][Rr][Aa][Cc][Ee])\s*))*$",
));
pub(super) const NOT_BLANK: Text = text(r"\S");
pub(super) const WEB_URL: Text = text(r"^[Hh][Tt][Tt][Pp][Ss]?://\S+$");
pub(super) const SERVER: Text = text(r"^(/|[Hh][Tt][Tt][Pp][Ss]?://\S)\S*$");
pub(super) const EMAIL: Text = text(r"^[^\s@]+@\S+$");
/// How long it is in the end is seen only where nothing is filled in.
pub(super) const TABLE: Text =
    text(r"^([A-Za-z0-9_.-]{3,255}|[A-Za-z0-9_.-]*(\{(module|stage)\}[A-Za-z0-9_.-]*)+)$");
pub(super) const KEY_ATTRIBUTE: Text = text_up_to(
    limits::KEY_NAME_BYTES,
    r"^(?!(data|item|_etag|_tenant)$)(?!_tenant\.)[^\x00-\x1f\x7f-\x9f]+$",
);
pub(super) const SORT_ATTRIBUTE: Text = text_up_to(
    limits::KEY_NAME_BYTES,
    r"^(?!(data|item|_etag|_tenant|limit|cursor|consistent|fields|order)$)[^.\x00-\x1f\x7f-\x9f]+$",
);
pub(super) const DOCUMENT_ATTRIBUTE: Text = text_up_to(
    255,
    r"^(?!(_etag|_tenant)$)(?!_tenant\.)[^\x00-\x1f\x7f-\x9f]+$",
);
pub(super) const TTL_ATTRIBUTE: Text = text_up_to(
    limits::TTL_NAME_BYTES,
    r"^(?!(data|_etag|_tenant)$)(?!_tenant\.)[^\x00-\x1f\x7f-\x9f]+$",
);
pub(super) const INDEX_NAME: Text = text(r"^(?!_tenants$)[A-Za-z0-9_.-]{3,255}$");
pub(super) const INDEX_ATTRIBUTE: Text = text_up_to(
    limits::KEY_NAME_BYTES,
    r"^(?!(_etag|_tenant|limit|cursor|consistent|fields|order)$)[^.\x00-\x1f\x7f-\x9f]+$",
);
pub(super) const STAMP_ATTRIBUTE: Text = text_up_to(
    limits::KEY_NAME_BYTES,
    r"^(?!(data|item|id|_etag|_tenant|limit|cursor|consistent|fields|order)$)[^.\x00-\x1f\x7f-\x9f]+$",
);
/// Below the folder of modules.toml.
pub(super) const JSON_FILE: Text = text(r"^(?!\.{0,2}/)(?!.*/\.{0,2}(/|$))[^\\:\x00]*\.json$");
/// A URL that is safe from others on its way, or a file.
pub(super) const KEY_SOURCE: Text = text(concat!(
    r"^([Hh][Tt][Tt][Pp][Ss]://[^\s@/]+(/\S*|\?\S*)?",
    r"|[Hh][Tt][Tt][Pp]://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]*)?([/?]\S*)?",
    r"|(?!\.{0,2}/)(?!.*/\.{0,2}(/|$))[^\\:\x00]*\.json)$",
));
/// A URL that is safe from others on its way.
pub(super) const WEBHOOK_URL: Text = text(concat!(
    r"^([Hh][Tt][Tt][Pp][Ss]://[^\s@/]+(/\S*|\?\S*)?",
    r"|[Hh][Tt][Tt][Pp]://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]*)?([/?]\S*)?)$",
));
/// An issuer that a path can be appended to.
pub(super) const ISSUER_URL: Text = text(concat!(
    r"^([Hh][Tt][Tt][Pp][Ss]://[^\s@/?#]+",
    r"|[Hh][Tt][Tt][Pp]://(127\.0\.0\.1|\[::1\]|localhost)(:[0-9]*)?)(/[^\s?#]*)?$",
));
pub(super) const IDENTIFIER: Text = text_up_to(1_000, r"^[^\x00-\x1f\x7f-\x9f]+$");
/// A dot would be ambiguous, but in a URL.
pub(super) const PLAIN_CLAIM: Text = text_up_to(
    1_000,
    r"^([^.\x00-\x1f\x7f-\x9f]+|[^\x00-\x1f\x7f-\x9f]*://[^\x00-\x1f\x7f-\x9f]*)$",
);
pub(super) const PARAMETER: Text = text_up_to(1_011, r"^[A-Za-z0-9/_.-]+$");
pub(super) const SECRET: Text = text_up_to(512, r"^[A-Za-z0-9/_+=.@-]+$");
pub(super) const SCOPE: Text = text_up_to(255, r"^[\x21\x23-\x5b\x5d-\x7e]+$");
pub(super) const ORIGIN: Text = text(r"^(\*|[a-z][a-z0-9+.-]*://[^/?#*@\s]+)$");
/// Without those that everybody knows a key of.
pub(super) const KEY_HASH: Text = text(concat!(
    r"^sha256:",
    r"(?!([Ee]3[Bb]0[Cc]44298[Ff][Cc]1[Cc]149|01[Bb][Aa]4719[Cc]80[Bb]6[Ff][Ee]9",
    r"|[Bb][Aa]7816[Bb][Ff]8[Ff]01[Cc][Ff][Ee][Aa]|[Ee][Dd][Ee][Aa][Aa][Ff][Ff]3[Ff]1774[Aa][Dd]2))",
    r"[0-9A-Fa-f]{64}$",
));
/// A name, or an ARN.
pub(super) const BUS: Text = text(concat!(
    r"^([A-Za-z0-9/._-]{1,256}",
    r"|arn:aws[a-z0-9-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/[A-Za-z0-9/._-]{1,256})$",
));
pub(super) const QUEUE_ARN: Text = text(
    r"^arn:aws[a-z0-9-]*:sqs:[a-z0-9-]+:[0-9]{12}:([A-Za-z0-9_-]{1,80}|[A-Za-z0-9_-]{1,75}\.fifo)$",
);
pub(super) const TOPIC_ARN: Text = text(
    r"^arn:aws[a-z0-9-]*:sns:[a-z0-9-]+:[0-9]{12}:([A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo)$",
);
pub(super) const TENANT: Text = text_up_to(255, r"[\s\S]");
