//! The names that modulo keeps for itself: attributes of items, an index, parameters of queries.

/// The attribute in which native documents keep their entity tag.
pub const TAG_ATTRIBUTE: &str = "_etag";

/// The parameters that the query of every list can have.
pub const QUERY_PARAMETERS: &[&str] = &["limit", "cursor", "consistent", "fields", "order"];

/// The attribute in which an item keeps its tenant; others that modulo makes for tenants begin with
/// it and a `.`.
pub const TENANT_ATTRIBUTE: &str = "_tenant";

/// The index that a tenant's items are listed by.
pub const TENANT_INDEX: &str = "_tenants";

/// The name of the mark that has the place of an index's `partition`.
pub(crate) fn mark_of(partition: &str) -> String {
    format!("{TENANT_ATTRIBUTE}.{partition}")
}

/// Whether an attribute is a mark.
pub(crate) fn is_mark(attribute: &str) -> bool {
    let rest = attribute.strip_prefix(TENANT_ATTRIBUTE);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_reported_from_members() {
        for (attribute, expected) in [
            ("_tenant", true),
            ("_tenant.building", true),
            (&mark_of("x"), true),
            ("_tenants", false),
            ("tenant", false),
            ("_etag", false),
        ] {
            assert_eq!(is_mark(attribute), expected, "{attribute}");
        }
    }
}
