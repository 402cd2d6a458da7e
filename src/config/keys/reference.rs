//! The reference page of `modules.toml`, in Markdown.

use std::fmt::Write;

use super::{Absent, Key, Section, Sentence, Shape, sections};
use crate::module::Verb;

/// A language of the documentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Brazilian Portuguese.
    Portuguese,
}

impl Language {
    pub(crate) fn of(self, sentence: Sentence) -> &'static str {
        self.choose(sentence.english, sentence.portuguese)
    }

    pub(crate) fn choose(self, english: &'static str, portuguese: &'static str) -> &'static str {
        match self {
            Self::English => english,
            Self::Portuguese => portuguese,
        }
    }
}

/// The page with every key of the file, a heading for each of its tables.
#[must_use]
pub fn reference(language: Language) -> String {
    let mut page = language
        .choose(
            "<!-- Made from src/config/keys/rows by `cargo test`. Do not edit it here. -->\n\n\
             # modules.toml\n\n\
             Every key of the file. Any other key is an error, so that no typing mistake goes \
             unnoticed; `modulo check` says which key was meant. `modulo schema` prints the same as \
             a JSON Schema, with which editors complete keys and mark mistakes: a line \
             `#:schema ./modules.schema.json` at the top of the file names it.\n\n\
             A *duration* is a text such as `\"30d\"`, `\"1h 30m\"` or `\"90s\"`, of one whole second \
             or more.\n\n\
             The guides say more: [add a module](../guides/add-a-module.md), \
             [indexes](../guides/indexes.md), [expiry](../guides/expiry.md), \
             [schemas](../guides/schemas.md), [access](../guides/access.md), \
             [tenants](../guides/tenants.md), [browsers](../guides/browsers.md), \
             [sending again](../guides/idempotency.md), \
             [stamps](../guides/stamps.md), [webhooks](../guides/webhooks.md), [events](../guides/events.md).\n",
            "<!-- Feita de src/config/keys/rows por `cargo test`. Não a edite aqui. -->\n\n\
             # modules.toml\n\n\
             Todas as chaves do arquivo. Qualquer outra chave é um erro, para que nenhum erro de \
             digitação passe despercebido; `modulo check` diz que chave se quis escrever. `modulo \
             schema` mostra o mesmo como um JSON Schema, com que editores completam chaves e marcam \
             erros: uma linha `#:schema ./modules.schema.json` no começo do arquivo o nomeia.\n\n\
             Uma *duração* é um texto como `\"30d\"`, `\"1h 30m\"` ou `\"90s\"`, de um segundo \
             inteiro ou mais.\n\n\
             Os guias dizem mais: [adicionar um módulo](../guides/add-a-module.pt-BR.md), \
             [índices](../guides/indexes.pt-BR.md), [expiração](../guides/expiry.pt-BR.md), \
             [schemas](../guides/schemas.pt-BR.md), [acesso](../guides/access.pt-BR.md), \
             [inquilinos](../guides/tenants.pt-BR.md), [navegadores](../guides/browsers.pt-BR.md), \
             [enviar de novo](../guides/idempotency.pt-BR.md), \
             [carimbos](../guides/stamps.pt-BR.md), [webhooks](../guides/webhooks.pt-BR.md), [eventos](../guides/events.pt-BR.md).\n",
        )
        .to_owned();
    for section in sections() {
        page.push('\n');
        write_section(&mut page, section, language);
    }
    page
}

fn write_section(page: &mut String, section: &Section, language: Language) {
    let headers = section.header.split(", ").filter(|text| !text.is_empty());
    let mut header = headers.map(code).collect::<Vec<_>>().join(", ");
    if !header.is_empty() {
        header.push_str("\n\n");
    }
    let columns = language.choose(
        "| key | takes | default | means |\n| --- | --- | --- | --- |",
        "| chave | aceita | padrão | significado |\n| --- | --- | --- | --- |",
    );
    let keys: Vec<_> = section.keys.iter().map(|key| row(key, language)).collect();
    let _ = write!(
        page,
        "<a id=\"{}\"></a>\n\n## {}\n\n{header}{}\n\n{columns}\n{}\n",
        section.id,
        language.of(section.title),
        language.of(section.about),
        keys.join("\n"),
    );
}

fn row(key: &Key, language: Language) -> String {
    let absent = match key.absent {
        Absent::Required => language.choose("required", "obrigatória").to_owned(),
        Absent::Nothing => String::new(),
        Absent::Default(value) => code(value),
        Absent::Says(sentence) => language.of(sentence).to_owned(),
    };
    let example = code(&format!("{} = {}", key.name, key.example));
    let example = format!("{}: {example}", language.choose("Example", "Exemplo"));
    let cells = [
        code(key.name),
        takes(&key.shape, language),
        absent,
        format!("{} {example}", language.of(key.about)),
    ];
    format!(
        "| {} |",
        cells.map(|cell| cell.replace('|', "\\|")).join(" | ")
    )
}

/// What a key takes, in words.
fn takes(shape: &Shape, language: Language) -> String {
    match shape {
        Shape::Boolean => language
            .choose("`true` or `false`", "`true` ou `false`")
            .to_owned(),
        Shape::Integer { most } => {
            let range = language.choose("an integer from 1 to", "um inteiro de 1 a");
            format!("{range} {most}")
        }
        Shape::Text(_) => language.choose("a text", "um texto").to_owned(),
        Shape::Word(words) => any_of(
            words.iter().map(|word| code(&format!("{word:?}"))),
            language,
        ),
        Shape::Verb => {
            let verbs = Verb::ALL.iter();
            any_of(
                verbs.map(|verb| code(&format!("{:?}", verb.as_str()))),
                language,
            )
        }
        Shape::Duration { .. } => language.choose("a duration", "uma duração").to_owned(),
        Shape::List {
            of: Shape::Text(_), ..
        } => language
            .choose("a list of texts", "uma lista de textos")
            .to_owned(),
        Shape::List { of, .. } => {
            let list = language.choose("a list, each item", "uma lista, cada item");
            format!("{list} {}", takes(of, language))
        }
        Shape::Table(section) => a_table(section, language),
        Shape::Named { section, .. } => {
            let named = language.choose("under each name", "sob cada nome");
            format!("{named}, {}", a_table(section, language))
        }
        Shape::ByVerb(shape) => {
            let table = language.choose("a table: for each verb", "uma tabela: para cada verbo");
            format!("{table}, {}", takes(shape, language))
        }
        Shape::JsonSchema => language.choose("a table", "uma tabela").to_owned(),
        Shape::Either(shapes) => {
            any_of(shapes.iter().map(|shape| takes(shape, language)), language)
        }
    }
}

fn a_table(section: &Section, language: Language) -> String {
    let table = language.choose("a table", "uma tabela");
    format!("[{table}: {}](#{})", language.of(section.title), section.id)
}

/// The last after an "or", the others after commas.
fn any_of(texts: impl Iterator<Item = String>, language: Language) -> String {
    let mut texts: Vec<_> = texts.collect();
    let last = texts.pop().unwrap_or_default();
    if texts.is_empty() {
        return last;
    }
    let or = language.choose("or", "ou");
    format!("{} {or} {last}", texts.join(", "))
}

fn code(text: &str) -> String {
    format!("`{text}`")
}
