//! What the stream of a module's table says: who changed which item, from what to what.
//!
//! A stream's [`Record`] becomes a [`Change`], as the module's readers see it, and that an envelope
//! of [CloudEvents 1.0](https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md).

use std::borrow::Cow;
use std::sync::Arc;
use std::time::SystemTime;

use serde_json::value::RawValue;

pub use self::envelope::{MEDIA_TYPE, Source, test_event};
pub use self::history::keep;
pub use self::kind::Kind;
pub use self::record::{InvalidRecord, Record};
use crate::item::list::project;
use crate::item::{ItemId, key};
use crate::json::raw::raw;
use crate::module::Module;
use crate::module::tenant::Tenant;
use crate::store::Image;

mod envelope;
mod history;
mod kind;
mod record;

/// The item of a record as it was and as it is, each if there is one that is the module's.
struct Images {
    old: Option<Image>,
    new: Option<Image>,
    /// What has happened, if readers of the document see a difference.
    kind: Option<Kind>,
}

impl Images {
    fn of(record: Record, module: &Module) -> Result<Self, InvalidRecord> {
        let (at, is_by_expiry) = (record.seconds(), record.is_by_expiry());
        let (old, new) = record.into_images()?;
        let read = |image| Image::new(module, image, at);
        let (old, new) = (old.and_then(read), new.and_then(read));
        let kind = Kind::of(old.as_ref(), new.as_ref(), is_by_expiry);
        Ok(Self { old, new, kind })
    }
}

/// A change of one item of a module, as readers see it.
#[derive(Debug, Clone)]
pub struct Change {
    module: Arc<Module>,
    /// The record's id, which is the same each time the record is read.
    id: String,
    kind: Kind,
    time: SystemTime,
    item: ItemId,
    tenant: Option<Tenant>,
    /// What readers saw before. What they did not see is `null`, as is a document that an item
    /// lacks.
    before: Box<RawValue>,
    /// What they see now.
    after: Box<RawValue>,
}

impl Change {
    /// What `record`, of the stream of the module's table, says. Nothing, if nobody who reads the
    /// module sees a difference: the same document was written again, an attribute beside it was
    /// changed, or the item is no tenant's in a module with tenants.
    ///
    /// # Errors
    /// The record does not have what a stream of old and new images has.
    pub fn of(record: Record, module: &Arc<Module>) -> Result<Option<Self>, InvalidRecord> {
        let (id, time) = (record.id().to_owned(), record.time());
        let Images { old, new, kind } = Images::of(record, module)?;
        let Some(kind) = kind else {
            return Ok(None);
        };
        let seen = old.filter(|old| !old.is_over || new.is_none());
        let shown = |image: Option<&Image>| match image {
            None => RawValue::NULL.to_owned(),
            Some(image) => {
                let json = raw(image.shown.as_deref());
                key::shown(module, &image.id, json).into_owned()
            }
        };
        let (before, after) = (shown(seen.as_ref()), shown(new.as_ref()));
        let Some(image) = new.or(seen) else {
            return Ok(None);
        };
        Ok(Some(Self {
            module: Arc::clone(module),
            id,
            kind,
            time,
            item: image.id,
            tenant: image.tenant,
            before,
            after,
        }))
    }

    /// The same of these members of the documents only; nothing, if none of them has changed.
    #[must_use]
    pub fn of_members(&self, members: &[String]) -> Option<Self> {
        let part = |document: &RawValue| match document.get() {
            "null" => document.to_owned(),
            _ => part_of(document, members),
        };
        let (before, after) = (part(&self.before), part(&self.after));
        let is_same = self.kind == Kind::Updated && before.get() == after.get();
        (!is_same).then(|| Self {
            module: Arc::clone(&self.module),
            id: self.id.clone(),
            kind: self.kind,
            time: self.time,
            item: self.item.clone(),
            tenant: self.tenant.clone(),
            before,
            after,
        })
    }

    /// Its id: that of the stream's record.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What kind of change it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The item's id.
    #[must_use]
    pub fn item(&self) -> &ItemId {
        &self.item
    }

    /// Whose item it is, where the module has tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// Of which item it is, among those of all tenants: the changes of one are told in their order.
    #[must_use]
    pub fn of_item(&self) -> String {
        format!("{:?} {}", self.tenant, self.item.to_path())
    }

    fn tenant_name(&self) -> Option<Cow<'_, str>> {
        self.tenant.as_ref().map(Tenant::name)
    }
}

/// An object of these members of a document.
fn part_of(document: &RawValue, members: &[String]) -> Box<RawValue> {
    let part = project(document.get(), members);
    RawValue::from_string(part).expect("members make an object")
}

#[cfg(test)]
mod tests {
    // Records as AWS sends them.
    use std::path::Path;

    use serde_json::{Value, json};

    use super::*;
    use crate::config;
    use crate::module::name::Stage;

    const MODULES: &str = r#"
        [access.main]
        keys = [{ name = "erp", hash = "sha256:a7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e", tenant = "acme" }]
        [modules.rooms]
        key = "roomId"
        ttl = "expiresAt"
        [modules.native]
        key = "roomId"
        storage = "document"
        [modules.stamped]
        key = "roomId"
        storage = "document"
        stamps = { updated_at = "updatedAt" }
        [modules.parted]
        key = "roomId"
        storage = "document"
        access = { guard = "main" }
        tenant = { claim = "org_id" }
        [[modules.parted.indexes]]
        name = "by-building"
        partition = "building"
        [modules.bookings]
        key = { partition = "roomId", sort = { attribute = "at", type = "N" } }
        [modules.shown]
        key = "roomId"
        envelope = "plain"
        key_in_document = true
    "#;

    fn module(name: &str) -> Arc<Module> {
        let file = Path::new("modules.toml");
        let config = config::parse(MODULES, file, &Stage::default(), []).expect("valid");
        Arc::clone(config.modules.find(name).expect("it is there"))
    }

    /// As in the event that a Lambda function gets.
    fn record(name: &str, old: &Value, new: &Value) -> Value {
        let mut dynamodb = json!({
            "ApproximateCreationDateTime": 1_479_499_740.5,
            "Keys": { "roomId": { "S": "sala 90" } },
            "SequenceNumber": "13021600000000001596893679",
            "SizeBytes": 112,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        });
        for (member, image) in [("OldImage", old), ("NewImage", new)] {
            if !image.is_null() {
                dynamodb[member] = image.clone();
            }
        }
        json!({
            "eventID": "c4ca4238a0b923820dcc509a6f75849b",
            "eventName": name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": "us-east-1",
            "dynamodb": dynamodb,
            "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/rooms-local/stream/2016-11-16T20:42:48.104",
        })
    }

    #[track_caller]
    fn change(module_name: &str, record: &Value) -> Option<Change> {
        let record = serde_json::from_str(&record.to_string()).expect("a record");
        Change::of(record, &module(module_name)).expect("it has both images")
    }

    #[track_caller]
    fn event(module_name: &str, record: &Value) -> String {
        let module = module(module_name);
        let source = Source::new(
            &"hotel".parse().expect("valid"),
            &Stage::default(),
            module.name(),
        );
        let change = change(module_name, record).expect("a change");
        change.to_event(&source)
    }

    /// What is said of the item.
    #[track_caller]
    fn data(module_name: &str, record: &Value) -> String {
        let event = event(module_name, record);
        let (_, data) = event.split_once(r#""data":"#).expect("it has data");
        data.strip_suffix('}').expect("it ends").to_owned()
    }

    fn room(text: &str) -> Value {
        json!({ "roomId": { "S": "sala 90" }, "data": { "S": text } })
    }

    fn expiring(text: &str, at: u64) -> Value {
        let mut room = room(text);
        room["expiresAt"] = json!({ "N": at.to_string() });
        room
    }

    #[track_caller]
    fn kind(record: &Value) -> Option<Kind> {
        change("rooms", record).map(|change| change.kind())
    }

    #[test]
    fn a_record_becomes_an_event_with_both_documents() {
        let record = record(
            "MODIFY",
            &room(r#"{"chairs":90}"#),
            &room(r#"{"chairs":91}"#),
        );
        assert_eq!(
            event("rooms", &record),
            r#"{"specversion":"1.0","id":"c4ca4238a0b923820dcc509a6f75849b","source":"/hotel/local/rooms","type":"modulo.item.updated","subject":"sala%2090","time":"2016-11-18T20:09:00.500Z","datacontenttype":"application/json","data":{"module":"rooms","id":"sala 90","before":{"chairs":90},"after":{"chairs":91}}}"#
        );
    }

    #[test]
    fn the_images_say_what_kind_of_change_it_is() {
        let (none, one, other) = (Value::Null, room("1"), room("2"));
        assert_eq!(kind(&record("INSERT", &none, &one)), Some(Kind::Created));
        assert_eq!(kind(&record("MODIFY", &one, &other)), Some(Kind::Updated));
        assert_eq!(kind(&record("REMOVE", &one, &none)), Some(Kind::Deleted));
        for identity in [
            json!({ "type": "Service", "principalId": "dynamodb.amazonaws.com" }),
            json!({ "Type": "Service", "PrincipalId": "dynamodb.amazonaws.com" }),
        ] {
            let mut removed = record("REMOVE", &one, &none);
            removed["userIdentity"] = identity;
            assert_eq!(kind(&removed), Some(Kind::Expired));
        }
    }

    #[test]
    fn what_no_reader_sees_is_no_change() {
        let mut beside = room(r#"{"chairs":90}"#);
        beside["cleaned"] = json!({ "BOOL": true });
        let same = record("MODIFY", &room(r#"{"chairs":90}"#), &beside);
        assert_eq!(kind(&same), None);
        // Of a module with tenants.
        assert!(change("parted", &record("INSERT", &Value::Null, &room("1"))).is_none());
    }

    #[test]
    fn an_item_whose_time_is_over_is_seen_by_nobody() {
        let (over, alive) = (expiring("1", 1_479_499_740), expiring("1", 1_479_499_741));
        let begun = record("MODIFY", &over, &room("1"));
        assert_eq!(kind(&begun), Some(Kind::Created));
        assert_eq!(
            data("rooms", &begun),
            r#"{"module":"rooms","id":"sala 90","before":null,"after":1}"#
        );
        let tidied = record("REMOVE", &over, &Value::Null);
        assert_eq!(kind(&tidied), Some(Kind::Expired));
        assert_eq!(
            data("rooms", &tidied),
            r#"{"module":"rooms","id":"sala 90","before":1,"after":null}"#
        );
        let deleted = record("REMOVE", &alive, &Value::Null);
        assert_eq!(kind(&deleted), Some(Kind::Deleted));
    }

    #[test]
    fn numbers_and_texts_are_those_of_the_item() {
        let text = r#"{"b":12345678901234567890123456789012345678,"a":1.10,"a":"\u00e9\n"}"#;
        let of_text = data("rooms", &record("INSERT", &Value::Null, &room(text)));
        assert!(
            of_text.ends_with(&format!(r#""after":{text}}}"#)),
            "{of_text}"
        );

        let image = json!({
            "roomId": { "S": "sala 90" },
            "_etag": { "S": "abc" },
            "price": { "N": "12345678901234567890123456789012345678" },
            "tags": { "SS": ["b", "a"] },
            "photo": { "B": "AAEC" },
            "beds": { "L": [{ "M": { "wide": { "BOOL": true }, "note": { "NULL": true } } }] },
        });
        assert_eq!(
            data("native", &record("INSERT", &Value::Null, &image)),
            r#"{"module":"native","id":"sala 90","before":null,"after":{"beds":[{"note":null,"wide":true}],"photo":"AAEC","price":12345678901234567890123456789012345678,"tags":["a","b"]}}"#
        );
    }

    #[test]
    fn an_item_of_others_has_no_document() {
        let foreign = json!({ "roomId": { "S": "sala 90" }, "data": { "N": "1" } });
        assert_eq!(
            data("rooms", &record("INSERT", &Value::Null, &foreign)),
            r#"{"module":"rooms","id":"sala 90","before":null,"after":null}"#
        );
        // What is no JSON is the text that it is.
        let text = data("rooms", &record("INSERT", &Value::Null, &room("{")));
        assert!(text.ends_with(r#""after":"{"}"#), "{text}");
    }

    #[test]
    fn stamps_are_shown_and_make_no_change() {
        let stamped = |chairs: &str, at: &str| {
            json!({
                "roomId": { "S": "sala 90" },
                "chairs": { "N": chairs },
                "updatedAt": { "S": at },
            })
        };
        let of = |old: &Value, new: &Value| record("MODIFY", old, new);
        let same = of(&stamped("90", "a"), &stamped("90", "b"));
        assert!(change("stamped", &same).is_none());
        let other = of(&stamped("90", "a"), &stamped("91", "b"));
        assert_eq!(
            data("stamped", &other),
            r#"{"module":"stamped","id":"sala 90","before":{"chairs":90,"updatedAt":"a"},"after":{"chairs":91,"updatedAt":"b"}}"#
        );
    }

    #[test]
    fn a_tenants_item_has_its_own_id_and_no_mark() {
        let image = json!({
            "roomId": { "S": "acme%2Fsul/sala 90" },
            "_tenant": { "S": "acme%2Fsul" },
            "_tenant.building": { "S": "acme%2Fsul/a" },
            "_etag": { "S": "abc" },
            "building": { "S": "a" },
        });
        let record = record("INSERT", &Value::Null, &image);
        assert_eq!(
            data("parted", &record),
            r#"{"module":"parted","id":"sala 90","tenant":"acme/sul","before":null,"after":{"building":"a"}}"#
        );
        let change = change("parted", &record).expect("a change");
        assert_eq!(change.tenant(), Some(&"acme/sul".parse().expect("valid")));
        assert_eq!(change.item().to_path(), "sala%2090");
    }

    #[test]
    fn ids_are_as_the_plain_envelope_has_them() {
        let image = json!({
            "roomId": { "S": "a/b" },
            "at": { "N": "12345678901234567890123456789012345678" },
            "data": { "S": "1" },
        });
        let event = event("bookings", &record("INSERT", &Value::Null, &image));
        assert!(
            event.contains(r#""subject":"a%2Fb/12345678901234567890123456789012345678""#),
            "{event}"
        );
        assert!(
            event.contains(r#""id":["a/b",12345678901234567890123456789012345678],"#),
            "{event}"
        );
        let shown = data(
            "shown",
            &record("INSERT", &Value::Null, &room(r#"{"a":1}"#)),
        );
        assert!(
            shown.ends_with(r#""after":{"roomId":"sala 90","a":1}}"#),
            "{shown}"
        );
    }

    #[test]
    fn of_some_members_only_their_changes_count() {
        let members = ["chairs".to_owned()];
        let of = |old: &str, new: &str| {
            let record = record("MODIFY", &room(old), &room(new));
            change("rooms", &record)
                .expect("a change")
                .of_members(&members)
        };
        assert!(of(r#"{"chairs":1,"a":1}"#, r#"{"chairs":1,"a":2}"#).is_none());
        let seen = of(r#"{"chairs":1,"a":1}"#, r#"{"a":1,"chairs":2}"#).expect("it counts");
        assert_eq!(seen.before.get(), r#"{"chairs":1}"#);
        assert_eq!(seen.after.get(), r#"{"chairs":2}"#);
        let created = change(
            "rooms",
            &record("INSERT", &Value::Null, &room(r#"{"a":1}"#)),
        );
        let created = created.expect("a change").of_members(&members);
        let created = created.expect("all that are created count");
        assert_eq!(created.before.get(), "null");
        assert_eq!(created.after.get(), "{}");
    }

    #[test]
    fn a_stream_without_images_is_reported() {
        let keys_only = record("MODIFY", &Value::Null, &room("1"));
        let record = serde_json::from_str(&keys_only.to_string()).expect("a record");
        let invalid = Change::of(record, &module("rooms")).expect_err("half of it is missing");
        insta::assert_snapshot!(
            invalid,
            @"the record c4ca4238a0b923820dcc509a6f75849b of the stream lacks the item as it was or as it is; the stream must have new and old images"
        );
    }
}
