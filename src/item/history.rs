//! What is asked of an item's history: its versions, or what it was at a time.
//!
//! A version's name is its time and the number of the record in the stream that it was made of, both in
//! a fixed width: in the order of texts, they are in the order of their writing.

use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::item::list::{InvalidQuery, PageRequest, is_foreign};
use crate::item::{ItemId, expiry};
use crate::module::Module;
use crate::module::path::RESERVED_IN_PATHS;
use crate::module::tenant::Tenant;

/// The parameter that has the time.
const AT: &str = "at";

/// How many digits a sequence number has at the most, as
/// [the reference of `StreamRecord`](https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_StreamRecord.html)
/// says.
const SEQUENCE_DIGITS: usize = 40;

/// How long the text of a time is.
const TIME_CHARACTERS: usize = "2026-11-28T22:30:00.000Z".len();

/// The longest text of an offset from UTC.
const MOST_OFFSET: Duration = Duration::from_hours(24);

/// Where a version stands among those of its item.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct VersionName(String);

impl VersionName {
    /// That of the version that a record of this sequence number made at this time.
    pub(crate) fn new(time: SystemTime, sequence: &str) -> Self {
        Self(format!("{} {sequence:0>SEQUENCE_DIGITS$}", time_text(time)))
    }

    /// Reads one.
    pub(crate) fn parse(text: String) -> Option<Self> {
        let (time, sequence) = text.split_at_checked(TIME_CHARACTERS)?;
        let sequence = sequence.strip_prefix(' ')?;
        let is_one = humantime::parse_rfc3339(time).is_ok()
            && sequence.len() == SEQUENCE_DIGITS
            && sequence.bytes().all(|byte| byte.is_ascii_digit());
        is_one.then_some(Self(text))
    }

    /// Its text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// When it was written, in RFC 3339.
    #[must_use]
    pub fn time_text(&self) -> &str {
        &self.0[..TIME_CHARACTERS]
    }

    /// When it was written.
    pub(crate) fn time(&self) -> SystemTime {
        humantime::parse_rfc3339(self.time_text()).unwrap_or(UNIX_EPOCH)
    }
}

/// A time in UTC, to the millisecond.
pub(crate) fn time_text(time: SystemTime) -> String {
    humantime::format_rfc3339_millis(time).to_string()
}

/// The time that the query of an item asks for, if it names one. Whatever else stands there is not
/// looked at.
///
/// # Errors
/// It is not a time, or there are two.
pub fn time_asked(query: Option<&str>) -> Result<Option<SystemTime>, InvalidQuery> {
    let parameters = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let mut times = parameters.filter(|(name, _)| name == AT);
    match (times.next(), times.next()) {
        (None, _) => Ok(None),
        (Some((_, text)), None) => match parse_time(&text) {
            Some(time) => Ok(Some(time)),
            None => Err(InvalidQuery::Time(text.into_owned())),
        },
        (Some(_), Some(_)) => Err(InvalidQuery::Twice(AT.to_owned())),
    }
}

/// A time of RFC 3339; in the place of one before 1970, of which nothing is known, its beginning.
fn parse_time(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    if let Some(time) = text.strip_suffix(['Z', 'z']) {
        return parse_utc(time).map(in_range);
    }
    let (time, offset) = text.split_at_checked(text.len().checked_sub("+00:00".len())?)?;
    let (hours, minutes) = offset.get(1..)?.split_once(':')?;
    let part = |text: &str| {
        let is_number = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (hours, minutes) = (part(hours)?, part(minutes).filter(|minutes| *minutes < 60)?);
    let offset_time = Duration::from_secs((hours * 60 + minutes) * 60);
    if offset_time >= MOST_OFFSET {
        return None;
    }
    let time = parse_utc(time)?;
    Some(in_range(match offset.as_bytes()[0] {
        // What is not encoded in a query is a space by then.
        b'+' | b' ' => time.checked_sub(offset_time)?,
        b'-' => time.checked_add(offset_time)?,
        _ => return None,
    }))
}

fn parse_utc(time: &str) -> Option<SystemTime> {
    if let Ok(time) = humantime::parse_rfc3339(&format!("{time}Z").to_uppercase()) {
        return Some(time);
    }
    let (year, rest) = time.split_at_checked("2026".len())?;
    let is_before = year.parse::<u16>().is_ok_and(|year| year < 1_970);
    is_before.then_some(())?;
    // The same in a year that has every day.
    parse_utc(&format!("2000{rest}")).map(|_| UNIX_EPOCH)
}

/// What can be written as a time again.
fn in_range(time: SystemTime) -> SystemTime {
    time.clamp(UNIX_EPOCH, UNIX_EPOCH + Duration::from_secs(expiry::LATEST))
}

/// What the versions of an item go by in the table of its module's history: the value of its table's
/// key as it is stored, with the tenant. Where there is a sort key, the partition key is
/// percent-encoded, so that its end is the first `/`; what is too long for a key then is a hash, in
/// which there is none.
pub(crate) fn history_id(id: &ItemId, tenant: Option<&Tenant>) -> String {
    let partition = match tenant {
        Some(tenant) => tenant.qualify(id.partition()),
        None => id.partition().to_owned(),
    };
    let Some(sort) = id.sort() else {
        return partition;
    };
    let encoded = percent_encoding::utf8_percent_encode(&partition, RESERVED_IN_PATHS);
    let composed = format!("{encoded}/{sort}");
    if composed.len() <= ItemId::MAX_BYTES {
        return composed;
    }
    URL_SAFE_NO_PAD.encode(Sha256::digest(composed))
}

/// Which page of an item's versions is wanted, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VersionsRequest {
    /// How many at the most.
    pub limit: i32,
    /// Before which version the page begins; without one with the newest.
    pub before: Option<VersionName>,
    /// What tells the cursors of this list from those of another.
    fingerprint: String,
}

impl VersionsRequest {
    /// Parses a raw query string, of the versions of an item.
    ///
    /// # Errors
    /// A parameter is unknown, or its value is invalid.
    pub fn parse(
        query: &str,
        module: &Module,
        id: &ItemId,
        tenant: Option<&Tenant>,
    ) -> Result<Self, InvalidQuery> {
        let of = format!("{}/{}", module.name(), history_id(id, tenant));
        let mut request = Self {
            limit: PageRequest::DEFAULT_LIMIT,
            before: None,
            fingerprint: URL_SAFE_NO_PAD.encode(&Sha256::digest(of)[..8]),
        };
        let mut seen = HashSet::new();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if is_foreign(&name) {
                continue;
            }
            if !seen.insert(name.clone()) {
                return Err(InvalidQuery::Twice(name.into_owned()));
            }
            match &*name {
                "limit" => request.limit = PageRequest::parse_limit(&value)?,
                "cursor" => {
                    let before = request.version_of(&value).ok_or(InvalidQuery::Cursor)?;
                    request.before = Some(before);
                }
                _ => return Err(InvalidQuery::UnknownOfVersions(name.into_owned())),
            }
        }
        Ok(request)
    }

    /// The cursor of the page that begins after `version`.
    pub(crate) fn cursor(&self, version: &VersionName) -> String {
        let json = serde_json::to_vec(&[version.as_str(), &self.fingerprint]);
        URL_SAFE_NO_PAD.encode(json.expect("texts are JSON"))
    }

    fn version_of(&self, cursor: &str) -> Option<VersionName> {
        let json = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let [version, of] = serde_json::from_slice::<[String; 2]>(&json).ok()?;
        VersionName::parse(version).filter(|_| of == self.fingerprint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::item::Partition;
    use crate::module::name::Stage;

    fn id(partition: &str, sort: Option<&str>) -> ItemId {
        let partition = Partition::of(partition.to_owned());
        ItemId::of(partition, sort.map(str::to_owned))
    }

    #[track_caller]
    fn asked(query: &str) -> Option<String> {
        let time = time_asked(Some(query)).unwrap_or_else(|invalid| panic!("{query}: {invalid}"));
        time.map(time_text)
    }

    #[test]
    fn versions_are_in_the_order_of_their_texts() {
        let at = |millis, sequence| {
            let time = UNIX_EPOCH + Duration::from_millis(millis);
            VersionName::new(time, sequence)
        };
        let most = "9".repeat(SEQUENCE_DIGITS);
        let versions = [
            at(0, "9"),
            at(0, "10"),
            at(0, &most),
            at(999, "0"),
            at(1_000, "5"),
            at(253_402_300_799_999, "1"),
        ];
        assert!(versions.is_sorted(), "{versions:?}");
        for version in versions {
            let text = version.as_str().to_owned();
            let again = VersionName::new(version.time(), &text[TIME_CHARACTERS + 1..]);
            assert_eq!(again, version);
            assert_eq!(VersionName::parse(text), Some(version));
        }
        for other in ["", "part 2026", "2026-11-28T22:30:00.000Z 1", "é"] {
            assert_eq!(VersionName::parse(other.to_owned()), None, "{other}");
        }
    }

    #[test]
    fn a_time_is_one_of_rfc_3339() {
        let noon = Some("2026-11-28T12:00:00.000Z".to_owned());
        for query in [
            "at=2026-11-28T12:00:00Z",
            "at=2026-11-28t12:00:00.0009z&x=1",
            "_=1&at=2026-11-28T12:00:00%2B00:00",
            "at=2026-11-28T09:30:00-02:30",
            // A plus that is not encoded.
            "at=2026-11-28T13:00:00+01:00",
            "at=2026-11-28T12:00:00-00:00",
        ] {
            assert_eq!(asked(query), noon, "{query}");
        }
        assert_eq!(asked("consistent=true&atone=1"), None);
        assert_eq!(time_asked(None), Ok(None));
        for (query, time) in [
            ("at=1969-12-31T23:59:59Z", "1970-01-01T00:00:00.000Z"),
            ("at=0001-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("at=1970-01-01T00:00:00%2B01:00", "1970-01-01T00:00:00.000Z"),
            ("at=9999-12-31T23:59:59-01:00", "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(asked(query).as_deref(), Some(time), "{query}");
        }
        for wrong in [
            "",
            "now",
            "2026-11-28",
            "2026-11-28T12:00:00",
            "2026-11-28T12:00:00+24:00",
            "2026-11-28T12:00:00+01:60",
            "2026-11-28T12:00:00+1:00",
            "2026-02-30T12:00:00Z",
            "2026-11-28T24:00:00Z",
            "1969-11-31T12:00:00Z",
            "1969-11-30T12:60:00Z",
            "1764331200",
            "é2026-11-28T12:00:00Z",
            "2026-11-28T12:00:00é00:00",
        ] {
            let query = form_urlencoded::Serializer::new(String::new())
                .append_pair("at", wrong)
                .finish();
            let refused = time_asked(Some(&query));
            assert_eq!(refused, Err(InvalidQuery::Time(wrong.to_owned())));
        }
        let twice = time_asked(Some("at=2026-11-28T12:00:00Z&at=2026-11-28T12:00:00Z"));
        assert_eq!(twice, Err(InvalidQuery::Twice("at".to_owned())));
    }

    #[test]
    fn no_two_items_have_the_same_versions() {
        let tenant: Tenant = "acme/sul".parse().expect("valid");
        let ids = [
            (id("a", None), None),
            (id("acme%2Fsul/a", None), None),
            (id("a", Some("b")), None),
            (id("a/b", Some("c")), None),
            (id("a", Some("b/c")), None),
            (id("a%2Fb", Some("c")), None),
            (id("a", Some("b")), Some(&tenant)),
            (id(&"é".repeat(1_024), Some("b")), None),
            (id(&"é".repeat(1_024), Some("c")), None),
        ];
        let named: HashSet<_> = ids.iter().map(|(id, of)| history_id(id, *of)).collect();
        assert_eq!(named.len(), ids.len());
        assert!(named.iter().all(|name| name.len() <= ItemId::MAX_BYTES));
        let own = history_id(&id("a", None), Some(&tenant));
        assert_eq!(own, "acme%2Fsul/a");
    }

    #[test]
    fn a_cursor_is_of_one_item_and_one_tenant() {
        let text = "[modules.rooms]\nkey = 'id'\nhistory = '90d'\n[modules.other]\nkey = 'id'";
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let modules = config.expect("valid").modules;
        let module = |name| modules.find(name).expect("it is there");
        let tenant: Tenant = "acme".parse().expect("valid");
        let version = VersionName::new(UNIX_EPOCH, "1");
        let parse = |query: &str, name, item: &str, tenant| {
            VersionsRequest::parse(query, module(name), &id(item, None), tenant)
        };
        let first = parse("limit=2", "rooms", "a", None).expect("valid");
        let query = format!("limit=3&cursor={}&utm_x=1", first.cursor(&version));
        let next = parse(&query, "rooms", "a", None).expect("its own");
        assert_eq!((next.limit, next.before.as_ref()), (3, Some(&version)));
        for (name, item, tenant) in [
            ("other", "a", None),
            ("rooms", "b", None),
            ("rooms", "a", Some(&tenant)),
        ] {
            let refused = parse(&query, name, item, tenant);
            assert_eq!(refused, Err(InvalidQuery::Cursor));
        }
        for wrong in [
            "limit=0",
            "cursor=x",
            "consistent=true",
            "limit=1&limit=1",
            "order=asc",
        ] {
            assert!(parse(wrong, "rooms", "a", None).is_err(), "{wrong}");
        }
    }
}
