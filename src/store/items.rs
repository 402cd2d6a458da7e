//! A module's items, as one caller sees them.

use std::sync::Arc;

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::types::AttributeValue;

use super::classify::classify;
use super::client::Store;
use super::error::StoreError;
use super::expressions::Expressions;
use super::stamps;
use super::storage::{self, Attributes};
use super::stored::{StoredItem, has_expired, key_attributes, take_id};
use crate::aws::failure::Failure;
use crate::item::{Document, ItemId, Kept, Partition};
use crate::json::content_tag;
use crate::module::Module;
use crate::module::limits;
use crate::module::reserved::TAG_ATTRIBUTE;
use crate::module::tenant::Tenant;

/// The items of a module that one caller can reach: those of its tenant, where the module has
/// tenants, and else all. What can be done with items can be done here and nowhere else.
#[derive(Debug, Clone)]
pub struct Items {
    pub(super) client: Client,
    pub(super) module: Arc<Module>,
    tenant: Option<Tenant>,
    writer: Option<Arc<str>>,
}

impl Store {
    /// The items of `module` for a caller of `tenant`, who is `writer` where that is known. There are
    /// none where the module has tenants and the caller is of none: without a tenant, nothing of such
    /// a module can be reached.
    #[must_use]
    pub fn items(
        &self,
        module: &Arc<Module>,
        tenant: Option<Tenant>,
        writer: Option<&str>,
    ) -> Option<Items> {
        let keeps_writer = module.stamps().updated_by.is_some();
        (module.tenant().is_some() == tenant.is_some()).then(|| Items {
            client: self.client.clone(),
            module: Arc::clone(module),
            tenant,
            writer: writer.filter(|_| keeps_writer).map(Arc::from),
        })
    }
}

impl Items {
    /// The tenant whose items they are.
    #[must_use]
    pub fn tenant(&self) -> Option<&Tenant> {
        self.tenant.as_ref()
    }

    /// Who writes them, where items keep that and the caller is known.
    pub(super) fn writer(&self) -> Option<&str> {
        self.writer.as_deref()
    }

    /// Whether what replaces an item has to keep when it was created.
    pub(super) fn keeps_creation(&self) -> bool {
        self.module.stamps().created_at.is_some()
    }

    /// The item of that id, unless it has expired; `consistent` sees every write that was
    /// acknowledged before.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub async fn get(
        &self,
        id: ItemId,
        consistent: bool,
    ) -> Result<Option<StoredItem>, StoreError> {
        let Expressions { text, names, .. } = Expressions::projection(&self.module, None);
        let output = self
            .client
            .get_item()
            .table_name(self.module.table().name().as_str())
            .set_key(Some(self.key(id)))
            .set_consistent_read(consistent.then_some(true))
            .set_projection_expression(text)
            .set_expression_attribute_names(names)
            .send()
            .await
            .map_err(|error| classify(&error, 0))?;
        Ok(output
            .item
            .filter(|attributes| !has_expired(&self.module, attributes))
            .and_then(|attributes| self.read(attributes, None)))
    }

    /// The key of an item of this id.
    pub(super) fn key(&self, id: ItemId) -> Attributes {
        let id = match &self.tenant {
            Some(tenant) => {
                let (partition, sort) = id.into_values();
                ItemId::of(Partition::of(tenant.qualify(&partition)), sort)
            }
            None => id,
        };
        key_attributes(self.module.key(), id)
    }

    /// Takes an item's id out of its attributes, if it is within reach.
    pub(super) fn take_id(&self, attributes: &mut Attributes) -> Option<ItemId> {
        take_id(self.module.key(), self.tenant(), attributes)
    }

    /// What DynamoDB has of an item, if it is within reach.
    pub(super) fn read(
        &self,
        attributes: Attributes,
        fields: Option<&[String]>,
    ) -> Option<StoredItem> {
        StoredItem::new(&self.module, self.tenant(), attributes, fields)
    }

    /// The attributes of a whole item, unless DynamoDB has no room for them.
    pub(super) fn attributes(
        &self,
        id: ItemId,
        document: Document,
    ) -> Result<Attributes, StoreError> {
        let document_bytes = document.as_str().len();
        let mut attributes = attributes_of(&self.module, document);
        stamps::stamp(&self.module, self.writer(), &mut attributes);
        if let Some(tenant) = &self.tenant {
            tenant.mark_item(&self.module, &mut attributes);
        }
        attributes.extend(self.key(id));
        match storage::item_bytes(&attributes) {
            bytes if bytes > limits::ITEM_BYTES => Err(StoreError::ItemTooLarge {
                document_bytes,
                source: Failure(format!("not sent, since it has {bytes} bytes")),
            }),
            _ => Ok(attributes),
        }
    }
}

/// The attributes of an item, but for its key.
fn attributes_of(module: &Module, document: Document) -> Attributes {
    let expires_at = document.expires_at();
    let tag = document
        .members()
        .is_some()
        .then(|| content_tag::of(document.as_str()));
    let mut attributes = match document.into_kept() {
        Kept::Members(members) => storage::attributes_of(members),
        Kept::Text(text) => {
            let attribute = module.document_attribute().to_owned();
            Attributes::from([(attribute, AttributeValue::S(text))])
        }
    };
    if let (Some(attribute), Some(seconds)) = (module.ttl(), expires_at) {
        let value = AttributeValue::N(seconds.to_string());
        attributes.insert(attribute.to_string(), value);
    }
    if let Some(tag) = tag {
        attributes.insert(TAG_ATTRIBUTE.to_owned(), AttributeValue::S(tag));
    }
    attributes
}

#[cfg(test)]
mod tests {
    use aws_config::{BehaviorVersion, SdkConfig};

    use super::*;
    use crate::config;
    use crate::module::name::Stage;

    #[test]
    fn a_module_with_tenants_has_items_for_callers_with_a_tenant_only() {
        let text = "
            [access.main]
            jwt = { issuer = 'i', audience = 'a', jwks = 'https://issuer.example.com/jwks.json' }
            [modules.open]
            key = 'id'
            [modules.parted]
            key = 'id'
            access = { guard = 'main' }
            tenant = { claim = 'org_id' }
        ";
        let config = config::parse(text, "modules.toml".as_ref(), &Stage::default(), []);
        let modules = config.expect("valid").modules;
        let settings = SdkConfig::builder().behavior_version(BehaviorVersion::latest());
        let store = Store::new(&settings.build());
        let has_items = |module, tenant: Option<&str>| {
            let tenant = tenant.map(|name| name.parse().expect("a valid name"));
            let module = modules.find(module).expect("it is there");
            store.items(module, tenant, None).is_some()
        };
        assert!(has_items("parted", Some("acme")));
        assert!(!has_items("parted", None));
        assert!(has_items("open", None));
        assert!(!has_items("open", Some("acme")));
    }
}
