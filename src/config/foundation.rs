//! The file's text, as the lowest of the layers that the config crate lays over one another.

use ::config::{ConfigError, File, FileFormat, Map, Source, Value, ValueKind};
use toml::de::{DeTable, DeValue};

/// What is written in `text`.
///
/// The config crate makes each table twice, and merges a copy of it into what is there already.
/// Here nothing is, and with a thousand modules that would take longer than all else at start. What
/// is rarely written is left to the crate, mistakes included.
pub(super) fn read(text: &str) -> Result<Value, ConfigError> {
    if let Some(settings) = read_usual(text) {
        return Ok(settings);
    }
    let mut settings = Map::<String, Value>::new().into();
    File::from_str(text, FileFormat::Toml).collect_to(&mut settings)?;
    Ok(settings)
}

fn read_usual(text: &str) -> Option<Value> {
    let document = DeTable::parse(text).ok()?.into_inner();
    // The crate takes a key such as `"service.name"` for a path.
    let is_word = |key: &str| key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let is_usual = document.keys().all(|key| is_word(key.get_ref()));
    is_usual.then(|| table(document))?
}

fn table(table: DeTable<'_>) -> Option<Value> {
    let mut settings = Map::with_capacity(table.len());
    for (key, setting) in table {
        settings.insert(key.into_inner().into_owned(), value(setting.into_inner())?);
    }
    Some(Value::new(None, ValueKind::Table(settings)))
}

fn value(value: DeValue<'_>) -> Option<Value> {
    let kind = match value {
        DeValue::String(text) => ValueKind::String(text.into_owned()),
        DeValue::Integer(integer) => {
            let number = i64::from_str_radix(integer.as_str(), integer.radix());
            ValueKind::I64(number.ok()?)
        }
        DeValue::Boolean(boolean) => ValueKind::Boolean(boolean),
        DeValue::Array(items) => {
            let values = items.into_iter().map(|item| self::value(item.into_inner()));
            ValueKind::Array(values.collect::<Option<_>>()?)
        }
        DeValue::Table(inner) => return table(inner),
        DeValue::Float(_) | DeValue::Datetime(_) => return None,
    };
    Some(Value::new(None, kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As the config crate alone reads it.
    fn read_by_crate(text: &str) -> Result<Value, ConfigError> {
        let file = File::from_str(text, FileFormat::Toml);
        let layers = ::config::Config::builder().add_source(file).build()?;
        Ok(layers.cache)
    }

    #[test]
    fn a_text_is_read_as_the_config_crate_reads_it() {
        let usual = r#"
            defaults.retain = true
            modules.c = {}
            [service]
            name = "salas \"90\""
            [modules."b-1"]
            max_bytes = 0x10
            methods = ["GET", "LIST"]
            rate_limit = { requests = 1, per = "1m" }
            [[modules.a.indexes]]
            name = "byFloor"
            [[modules.a.indexes]]
            name = 'byBuilding'
        "#;
        let expected = read_by_crate(usual).expect("TOML");
        assert_eq!(read_usual(usual), Some(expected));
        for rare in [
            "modules.a.schema = { minimum = 0.5 }",
            "modules.a.schema.const = 1979-05-27",
            "\"modules.a\".key = \"id\"",
            "\"é\" = 1",
        ] {
            assert_eq!(read_usual(rare), None, "{rare}");
            let expected = read_by_crate(rare).expect("TOML");
            assert_eq!(read(rare).expect("TOML"), expected);
        }
    }

    #[test]
    fn a_mistake_is_reported_as_the_config_crate_tells_it() {
        for mistake in ["[modules", "a = 9223372036854775808", "a = 1e400"] {
            let message = read(mistake).expect_err("a mistake").to_string();
            let expected = read_by_crate(mistake).expect_err("a mistake");
            assert_eq!(message, expected.to_string());
        }
    }
}
