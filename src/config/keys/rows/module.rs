//! `[modules.NAME]` and `[defaults]`

use super::super::{Key, Rule, Scaffold, Section, Shape};
use super::guard::SECRET_PLACE;
use super::service::CORS;
use super::text::{
    BUS, DOCUMENT_ATTRIBUTE, IDENTIFIER, INDEX_ATTRIBUTE, INDEX_NAME, JSON_FILE, KEY_ATTRIBUTE,
    NAME, QUEUE_ARN, SORT_ATTRIBUTE, STAMP_ATTRIBUTE, TABLE, TOPIC_ARN, TTL_ATTRIBUTE, WEBHOOK_URL,
};
use super::{CLAIM_NAMES, DURATION, SCOPES, sentence};
use crate::config::raw::{CAPACITY_LIMIT, RATE_LIMIT};
use crate::module::guard::Callers;
use crate::module::webhook::Trigger;
use crate::module::{Billing, Envelope, KeyType, Storage, Table, limits};

/// `[modules.NAME]` and `[defaults]`
pub(crate) const MODULE: Section = Section {
    id: "module",
    title: sentence("Modules", "Módulos"),
    header: "[modules.NAME], [defaults]",
    about: sentence(
        "A module: a collection of JSON documents at `/NAME/<id>`, in a DynamoDB table of its own.",
        "Um módulo: uma coleção de documentos JSON em `/NAME/<id>`, numa tabela própria do DynamoDB.",
    ),
    keys: MODULE_KEYS,
    rule: Rule::Any,
};

const MODULE_KEYS: &[Key] = &[
    Key::new(
        "key",
        Shape::Either(&[
            Shape::Text(&KEY_ATTRIBUTE),
            Shape::Table(&KEY_PART),
            Shape::Table(&KEY),
        ]),
        "The table's key, which holds an item's id: the name of its partition key attribute, of type \
         string; a table with the attribute and its type; or a table with the partition key and the \
         sort key. No attribute of it can be `data` or `item`.",
        "A chave da tabela, que guarda o id de um item: o nome do atributo da chave de partição, do \
         tipo string; uma tabela com o atributo e o tipo dele; ou uma tabela com a chave de partição \
         e a chave de ordenação. Nenhum atributo dela pode ser `data` nem `item`.",
    )
    .required()
    .example("\"roomId\"")
    .scaffold(Scaffold::Module(sentence(
        "the table's partition key attribute, a string",
        "o atributo da chave de partição da tabela, uma string",
    ))),
    Key::new(
        "table",
        Shape::Text(&TABLE),
        "The table's name, in which `{module}` and `{stage}` are filled in. No two modules can have \
         the same table.",
        "O nome da tabela, em que `{module}` e `{stage}` são preenchidos. Dois módulos não podem ter \
         a mesma tabela.",
    )
    .default("\"{module}-{stage}\"")
    .example("\"bookings-{stage}\"")
    .scaffold(Scaffold::Head(sentence(
        "the table's name; the stage is \"local\" on a laptop",
        "o nome da tabela; o stage é \"local\" num laptop",
    ))),
    Key::new(
        "methods",
        Shape::List {
            of: &Shape::Verb,
            fewest: 1,
            most: None,
        },
        "What the module serves. LIST is GET of the module itself; POST is both with an id and \
         without.",
        "O que o módulo serve. LIST é GET do próprio módulo; POST vale com id e sem id.",
    )
    .default("[\"GET\", \"POST\", \"PUT\", \"PATCH\", \"DELETE\", \"LIST\"]")
    .example("[\"GET\", \"LIST\"]")
    .scaffold(Scaffold::Offered(sentence(
        "what is served; all six if not said",
        "o que é servido; todos os seis, se nada for dito",
    ))),
    Key::new(
        "max_bytes",
        Shape::Integer {
            most: limits::ITEM_BYTES,
        },
        "The greatest size of one document's text, in bytes. The default is what DynamoDB takes for \
         an item with its key.",
        "O tamanho máximo do texto de um documento, em bytes. O padrão é o que o DynamoDB aceita para \
         um item com a sua chave.",
    )
    .default("409_600")
    .example("10_000")
    .scaffold(Scaffold::Offered(sentence(
        "of one document",
        "de um documento",
    ))),
    Key::new(
        "envelope",
        Shape::Word(Envelope::WORDS),
        "The shape of the answers: `\"verb\"`, with the verb around them, or `\"plain\"`, the \
         document itself.",
        "O formato das respostas: `\"verb\"`, com o verbo em volta, ou `\"plain\"`, o próprio \
         documento.",
    )
    .default("\"verb\"")
    .example("\"plain\"")
    .scaffold(Scaffold::Offered(sentence(
        "answers are the document itself, not {\"GET\": {…}}",
        "as respostas são o próprio documento, e não {\"GET\": {…}}",
    ))),
    Key::new(
        "key_in_document",
        Shape::Boolean,
        "With `envelope = \"plain\"`: whether documents have the key attribute as a member, with the \
         id.",
        "Com `envelope = \"plain\"`: se os documentos têm o atributo da chave como membro, com o id.",
    )
    .default("false")
    .example("true"),
    Key::new(
        "stamps",
        Shape::Either(&[Shape::Boolean, Shape::Table(&STAMPS)]),
        "Whether items keep when they were created, and when and by whom they were last written: \
         `true` for all three, in the attributes `createdAt`, `updatedAt` and `updatedBy`, or a table \
         with the names of those that are kept.",
        "Se os itens guardam quando foram criados, e quando e por quem foram gravados por último: \
         `true` para os três, nos atributos `createdAt`, `updatedAt` e `updatedBy`, ou uma tabela \
         com os nomes dos que se guardam.",
    )
    .default("false")
    .example("true")
    .scaffold(Scaffold::Offered(sentence(
        "items keep when they were created, and when and by whom they were last written",
        "os itens guardam quando foram criados, e quando e por quem foram gravados por último",
    ))),
    Key::new(
        "storage",
        Shape::Word(Storage::WORDS),
        "How documents are kept: `\"json\"`, as text, or `\"document\"`, as native attributes.",
        "Como os documentos são guardados: `\"json\"`, como texto, ou `\"document\"`, como atributos \
         nativos.",
    )
    .default("\"json\"")
    .example("\"document\"")
    .scaffold(Scaffold::Offered(sentence(
        "documents are kept as native attributes, not as text",
        "documentos são guardados como atributos nativos, e não como texto",
    ))),
    Key::new(
        "document",
        Shape::Text(&DOCUMENT_ATTRIBUTE),
        "With `storage = \"json\"`: the attribute that holds a document's text. Answers call it \
         `data` whatever its name.",
        "Com `storage = \"json\"`: o atributo que guarda o texto de um documento. As respostas o \
         chamam de `data`, seja qual for o nome.",
    )
    .default("\"data\"")
    .example("\"payload\""),
    Key::new(
        "indexes",
        Shape::List {
            of: &Shape::Table(&INDEX),
            fewest: 0,
            most: Some(limits::INDEXES),
        },
        "With `storage = \"document\"`: the table's global secondary indexes, by which items can be \
         looked up.",
        "Com `storage = \"document\"`: os índices secundários globais da tabela, pelos quais se \
         consultam itens.",
    )
    .example("[{ name = \"by-building\", partition = \"building\" }]"),
    Key::new(
        "schema",
        Shape::Either(&[Shape::Text(&JSON_FILE), Shape::JsonSchema]),
        "The JSON Schema that documents have to fit: the path of a JSON file below the folder of \
         `modules.toml`, or the schema itself as a table.",
        "O JSON Schema a que os documentos têm de obedecer: o caminho de um arquivo JSON abaixo da \
         pasta de `modules.toml`, ou o próprio schema como uma tabela.",
    )
    .example("\"schemas/room.json\""),
    Key::new(
        "ttl",
        Shape::Text(&TTL_ATTRIBUTE),
        "The attribute that says when an item expires, in seconds since 1970.",
        "O atributo que diz quando um item expira, em segundos desde 1970.",
    )
    .example("\"expiresAt\"")
    .scaffold(Scaffold::Offered(sentence(
        "when an item expires: the attribute with the time in epoch seconds",
        "quando um item expira: o atributo com o instante, em segundos desde 1970",
    ))),
    Key::new(
        "default_ttl",
        DURATION,
        "With `ttl`: how long after its writing an item expires that has no time of its own.",
"Com `ttl`: quanto tempo depois da gravação expira um item que não tem prazo próprio.",
)
    .example("\"30d\"")
    .scaffold(Scaffold::Offered(sentence(
        "when one expires that does not say so; needs `ttl`",
        "quando expira um item que não o diz; precisa de `ttl`",
    ))),
    Key::new(
        "create",
        Shape::Boolean,
        "Whether a deployment makes the table. With `false` the table is somebody else's: it is not in \
         the stack, and no deployment makes, changes or removes it. The function may use it all the \
         same.",
        "Se uma instalação cria a tabela. Com `false`, a tabela é de outros: ela não está na stack, e \
         nenhuma instalação a cria, muda ou remove. A função pode usá-la do mesmo modo.",
    )
    .default("true")
    .example("false"),
    Key::new(
        "stack",
        Shape::Integer {
            most: Table::NESTED_STACKS,
        },
        "The number of the nested CloudFormation stack that has the module's table. Without it, the \
         table is in the service's own stack. A stack can have 500 resources, so a service with \
         hundreds of modules needs nested stacks. It is written here, and not worked out, so that a \
         table never moves because other modules come or go. A module that is deployed keeps its \
         `stack`.",
        "O número da stack aninhada do CloudFormation que tem a tabela do módulo. Sem ele, a tabela \
         fica na própria stack do serviço. Uma stack pode ter 500 recursos, e por isso um serviço com \
         centenas de módulos precisa de stacks aninhadas. O número é escrito aqui, e não calculado, \
         para que uma tabela nunca mude de lugar porque outros módulos entram ou saem. Um módulo \
         instalado mantém a sua `stack`.",
    )
    .example("1"),
    Key::new(
        "billing",
        Shape::Either(&[
            Shape::Word(&[Billing::ON_DEMAND]),
            Shape::Table(&CAPACITY),
        ]),
        "How the deployed table is paid for: by the request, or by capacity units kept ready.",
        "Como se paga a tabela instalada: por requisição, ou por unidades de capacidade reservadas.",
    )
    .default("\"on-demand\"")
    .example("{ read = 1, write = 1 }"),
    Key::new(
        "retain",
        Shape::Boolean,
        "Whether the deployed table stays when its module or the stack is removed. It is then \
         protected from deletion too.",
        "Se a tabela instalada fica quando o módulo ou a stack é removida. Ela fica então também \
         protegida contra exclusão.",
    )
    .otherwise(
        "`true`, but in stage `local` `false`",
        "`true`, mas no stage `local` `false`",
    )
    .example("true")
    .scaffold(Scaffold::Offered(sentence(
        "the table outlives its stack; if not said, in every stage but \"local\"",
        "a tabela sobrevive à stack; se nada for dito, em todo stage menos \"local\"",
    ))),
    Key::new(
        "access",
        Shape::Either(&[Shape::Word(&[Callers::OPEN]), Shape::Table(&ACCESS)]),
        "Who may do what: a table that names a guard, or `\"open\"` for a module that is open to \
         everybody on purpose. A module without a guard is open as well; a stage other than `local` \
         is not deployed with one that does not say so.",
        "Quem pode o quê: uma tabela que nomeia um guarda, ou `\"open\"` para um módulo aberto a \
         todos de propósito. Um módulo sem guarda também é aberto; um stage que não seja `local` não \
         é instalado com um que não o diga.",
    )
    .example("{ guard = \"main\", public = [\"GET\"] }"),
    Key::new(
        "tenant",
        Shape::Table(&TENANCY),
        "Confines callers to the items of their tenant, which a claim of their token or their API \
         key names.",
        "Limita quem chama aos itens do seu inquilino, que um claim do token ou a chave de API \
         nomeia.",
    )
    .example("{ claim = \"org_id\" }"),
    Key::new(
        "cors",
        Shape::Table(&CORS),
        "Which pages of other origins may call this module from a browser.",
        "Quais páginas de outras origens podem chamar este módulo de um navegador.",
    )
    .otherwise("`service.cors`", "`service.cors`")
    .example("{ origins = [\"*\"] }"),
    Key::new(
        "rate_limit",
        Shape::Table(&RATE),
        "How often one caller may call the module.",
"Com que frequência quem chama pode chamar o módulo.",
)
    .example("{ requests = 100, per = \"1m\" }"),
    Key::new(
        "idempotency",
        DURATION,
        "How long a POST is remembered that has an `Idempotency-Key`.",
        "Por quanto tempo se lembra um POST que tem um `Idempotency-Key`.",
    )
    .example("\"24h\""),
    Key::new(
        "webhooks",
        Shape::List {
            of: &Shape::Table(&WEBHOOK),
            fewest: 0,
            most: None,
        },
        "Who is told of the module's changes: by `modulo serve`, and in AWS by a second function.",
        "Quem é avisado das mudanças do módulo: pelo `modulo serve`, e na AWS por uma segunda função.",
    )
    .example("[{ url = \"https://erp.example.com/hooks\", secret = { env = \"ERP_SECRET\" } }]"),
    Key::new(
        "events",
        Shape::Either(&[Shape::Boolean, Shape::Table(&EVENTS)]),
        "Where in AWS the module's changes are sent, by a second function: `true` for the account's \
         default bus of EventBridge, or a table with another bus, a queue or a topic.",
        "Para onde na AWS as mudanças do módulo são enviadas, por uma segunda função: `true` para o \
         barramento padrão da conta no EventBridge, ou uma tabela com outro barramento, uma fila ou \
         um tópico.",
    )
    .default("false")
    .example("true"),
    Key::new(
        "history",
        DURATION,
        "How long each version of an item is kept after another has taken its place, from 1 day to 10 \
         years: in a table `<table>-history`, which `modulo serve`, and in AWS a second function, fills.",
        "Por quanto tempo se guarda cada versão de um item depois que outra tomou o lugar dela, de 1 dia \
         a 10 anos: numa tabela `<tabela>-history`, que o `modulo serve`, e na AWS uma segunda função, \
         preenche.",
    )
    .example("\"90d\""),
];

const KEY: Section = Section {
    id: "key",
    title: sentence("Keys with a sort key", "Chaves com chave de ordenação"),
    header: "[modules.NAME.key]",
    about: sentence(
        "The two attributes of a table's key. An item is at `/NAME/<partition>/<sort>`, and \
         `/NAME/<partition>` lists the items of one partition in the order of the sort key.",
        "Os dois atributos da chave de uma tabela. Um item fica em `/NAME/<partição>/<ordenação>`, e \
         `/NAME/<partição>` lista os itens de uma partição na ordem da chave de ordenação.",
    ),
    keys: &[
        Key::new(
            "partition",
            Shape::Either(&[Shape::Text(&KEY_ATTRIBUTE), Shape::Table(&KEY_PART)]),
            "The partition key attribute: its name, if it is a string, or a table with its type.",
            "O atributo da chave de partição: o nome dele, se é uma string, ou uma tabela com o tipo.",
        )
        .required()
        .example("\"roomId\""),
        Key::new(
            "sort",
            Shape::Either(&[Shape::Text(&SORT_ATTRIBUTE), Shape::Table(&KEY_PART)]),
            "The sort key attribute: its name, without a `.` in it, or a table with its type. \
             Without it, the table has a partition key only.",
            "O atributo da chave de ordenação: o nome dele, sem um `.`, ou uma tabela com o tipo. Sem \
             ele, a tabela só tem uma chave de partição.",
        )
        .example("{ attribute = \"bookingId\", type = \"N\" }"),
    ],
    rule: Rule::Any,
};

const KEY_PART: Section = Section {
    id: "key-part",
    title: sentence("Key attributes", "Atributos da chave"),
    header: "[modules.NAME.key], [modules.NAME.key.partition], [modules.NAME.key.sort]",
    about: sentence(
        "An attribute of a table's key, with its type. A text in place of the table is an attribute \
         of type `\"S\"`.",
        "Um atributo da chave de uma tabela, com o tipo dele. Um texto no lugar da tabela é um \
         atributo do tipo `\"S\"`.",
    ),
    keys: &[
        Key::new(
            "attribute",
            Shape::Text(&KEY_ATTRIBUTE),
            "The attribute's name.",
            "O nome do atributo.",
        )
        .required()
        .example("\"studentId\""),
        Key::new(
            "type",
            Shape::Word(KeyType::WORDS),
            "`\"S\"` for strings, `\"N\"` for numbers.",
            "`\"S\"` para strings, `\"N\"` para números.",
        )
        .default("\"S\"")
        .example("\"N\""),
    ],
    rule: Rule::Any,
};

const INDEX: Section = Section {
    id: "index",
    title: sentence("Indexes", "Índices"),
    header: "[[modules.NAME.indexes]]",
    about: sentence(
        "A global secondary index, for modules with `storage = \"document\"`.",
        "Um índice secundário global, para módulos com `storage = \"document\"`.",
    ),
    keys: &[
        Key::new(
            "name",
            Shape::Text(&INDEX_NAME),
            "The index's name: 3 to 255 letters, digits, `-`, `_` and `.`.",
            "O nome do índice: de 3 a 255 letras, dígitos, `-`, `_` e `.`.",
        )
        .required()
        .example("\"by-building\""),
        Key::new(
            "partition",
            Shape::Either(&[Shape::Text(&INDEX_ATTRIBUTE), Shape::Table(&INDEX_KEY)]),
            "The member of documents whose value a query must name.",
            "O membro dos documentos cujo valor uma consulta tem de nomear.",
        )
        .required()
        .example("\"building\""),
        Key::new(
            "sort",
            Shape::Either(&[Shape::Text(&INDEX_ATTRIBUTE), Shape::Table(&INDEX_KEY)]),
            "The member that orders the items of one partition, and of which a query can name a \
             range.",
            "O membro que ordena os itens de uma partição, e do qual uma consulta pode nomear uma \
             faixa.",
        )
        .example("{ attribute = \"floor\", type = \"N\" }"),
    ],
    rule: Rule::Any,
};

const INDEX_KEY: Section = Section {
    id: "index-key",
    title: sentence("Keys of indexes", "Chaves de índices"),
    header: "[modules.NAME.indexes.partition], [modules.NAME.indexes.sort]",
    about: sentence(
        "A member of documents, with its type. A text in place of the table is a member of type \
         `\"S\"`.",
        "Um membro dos documentos, com o tipo dele. Um texto no lugar da tabela é um membro do tipo \
         `\"S\"`.",
    ),
    keys: &[
        Key::new(
            "attribute",
            Shape::Text(&INDEX_ATTRIBUTE),
            "The member's name, without a `.` in it.",
            "O nome do membro, sem um `.` nele.",
        )
        .required()
        .example("\"floor\""),
        Key::new(
            "type",
            Shape::Word(KeyType::WORDS),
            "`\"S\"` for texts, `\"N\"` for numbers.",
            "`\"S\"` para textos, `\"N\"` para números.",
        )
        .default("\"S\"")
        .example("\"N\""),
    ],
    rule: Rule::Any,
};

const STAMPS: Section = Section {
    id: "stamps",
    title: sentence("Stamps", "Carimbos"),
    header: "[modules.NAME.stamps]",
    about: sentence(
        "The attributes in which items keep when they were written, and by whom. A stamp without a \
         name is not kept.",
        "Os atributos em que os itens guardam quando foram gravados, e por quem. Um carimbo sem nome \
         não é guardado.",
    ),
    keys: &[
        Key::new(
            "created_at",
            Shape::Text(&STAMP_ATTRIBUTE),
            "When the item was created, in UTC. Later writes keep it.",
            "Quando o item foi criado, em UTC. As gravações seguintes o mantêm.",
        )
        .example("\"createdAt\""),
        Key::new(
            "updated_at",
            Shape::Text(&STAMP_ATTRIBUTE),
            "When it was last written, in UTC.",
            "Quando ele foi gravado por último, em UTC.",
        )
        .example("\"updatedAt\""),
        Key::new(
            "updated_by",
            Shape::Text(&STAMP_ATTRIBUTE),
            "Who has last written it: the claim `sub` of the token, or the name of the API key. An \
             item that was last written without either has none.",
            "Quem o gravou por último: o claim `sub` do token, ou o nome da chave de API. Um item \
             gravado por último sem nenhum dos dois não o tem.",
        )
        .example("\"updatedBy\""),
    ],
    rule: Rule::Some,
};

const CAPACITY: Section = Section {
    id: "billing",
    title: sentence("Capacity", "Capacidade"),
    header: "[modules.NAME.billing]",
    about: sentence(
        "The capacity units that are kept ready for each second.",
        "As unidades de capacidade reservadas para cada segundo.",
    ),
    keys: &[
        Key::new(
            "read",
            Shape::Integer {
                most: CAPACITY_LIMIT,
            },
            "Strongly consistent reads of 4 KB.",
            "Leituras fortemente consistentes de 4 KB.",
        )
        .required()
        .example("1"),
        Key::new(
            "write",
            Shape::Integer {
                most: CAPACITY_LIMIT,
            },
            "Writes of 1 KB.",
            "Gravações de 1 KB.",
        )
        .required()
        .example("1"),
    ],
    rule: Rule::Any,
};

const ACCESS: Section = Section {
    id: "access",
    title: sentence("Who may do what", "Quem pode o quê"),
    header: "[modules.NAME.access]",
    about: sentence(
        "What a module asks of its callers.",
        "O que um módulo pede de quem chama.",
    ),
    keys: &[
        Key::new(
            "guard",
            Shape::Text(&NAME),
            "The module's guard, by its name in `[access.NAME]`.",
            "O guarda do módulo, pelo nome dele em `[access.NAME]`.",
        )
        .otherwise("`service.access`", "`service.access`")
        .example("\"main\""),
        Key::new(
            "public",
            Shape::List {
                of: &Shape::Verb,
                fewest: 0,
                most: None,
            },
            "The verbs that need neither token nor key. A token or key that is sent all the same must be \
             valid, and counts.",
"Os verbos que não precisam nem de token nem de chave. Um token ou uma chave que se envia mesmo \
             assim tem de ser válido, e conta.",
)
        .default("[]")
        .example("[\"GET\", \"LIST\"]"),
        Key::new(
            "scopes",
            Shape::ByVerb(&SCOPES),
            "The scopes that a verb needs, all of them. A verb without scopes needs a valid token or \
             key only.",
            "Os scopes de que um verbo precisa, todos eles. Um verbo sem scopes precisa só de um \
             token ou de uma chave válida.",
        )
        .default("{}")
        .example("{ POST = [\"rooms:write\"] }"),
    ],
    rule: Rule::Any,
};

const TENANCY: Section = Section {
    id: "tenant",
    title: sentence("Tenants", "Inquilinos"),
    header: "[modules.NAME.tenant]",
    about: sentence(
        "How the tenant of a caller is known.",
        "Como se conhece o inquilino de quem chama.",
    ),
    keys: &[Key::new(
        "claim",
        Shape::Either(&[Shape::Text(&IDENTIFIER), CLAIM_NAMES]),
        "The claim of a token that names its tenant: its name, or the names that lead to a member of \
         a claim, from the outside in.",
        "O claim de um token que nomeia o inquilino: o nome dele, ou os nomes que levam a um membro \
         de um claim, de fora para dentro.",
    )
    .required()
    .example("[\"firebase\", \"tenant\"]")],
    rule: Rule::Any,
};

const RATE: Section = Section {
    id: "rate-limit",
    title: sentence("Rate limits", "Limites de taxa"),
    header: "[modules.NAME.rate_limit]",
    about: sentence(
        "How often one caller may call a module. A caller can send `requests` requests at once; after \
         that, the module takes `requests` more in each `per`, spread evenly over it.",
        "Com que frequência quem chama pode chamar um módulo. Podem-se enviar `requests` requisições de \
         uma vez; depois disso, o módulo aceita mais `requests` em cada `per`, distribuídas por igual.",
    ),
    keys: &[
        Key::new(
            "requests",
            Shape::Integer { most: RATE_LIMIT },
            "The number of requests.",
            "O número de requisições.",
        )
        .required()
        .example("100"),
        Key::new(
            "per",
            DURATION,
            "The period that they are for.",
            "O período a que elas se referem.",
        )
        .required()
        .example("\"1m\""),
    ],
    rule: Rule::Any,
};

const WEBHOOK: Section = Section {
    id: "webhook",
    title: sentence("Webhooks", "Webhooks"),
    header: "[[modules.NAME.webhooks]]",
    about: sentence(
        "Somebody who is sent each change of the module's items by POST, signed as \
         [Standard Webhooks](https://www.standardwebhooks.com) has it. A module has no two webhooks \
         with the same URL.",
        "Alguém que recebe cada mudança dos itens do módulo por POST, assinada como manda \
         [Standard Webhooks](https://www.standardwebhooks.com). Um módulo não tem dois webhooks com a \
         mesma URL.",
    ),
    keys: &[
        Key::new(
            "url",
            Shape::Text(&WEBHOOK_URL),
            "Where the changes are sent: `https`, but on this machine.",
            "Para onde as mudanças são enviadas: `https`, a não ser nesta máquina.",
        )
        .required()
        .example("\"https://erp.example.com/hooks\""),
        Key::new(
            "on",
            Shape::List {
                of: &Shape::Word(Trigger::WORDS),
                fewest: 1,
                most: None,
            },
            "Which changes are sent. `\"delete\"` is every item that is no longer there; \
             `\"expire\"` is only those whose time was over.",
            "Quais mudanças são enviadas. `\"delete\"` é todo item que não existe mais; \
             `\"expire\"` é só aquele cujo prazo acabou.",
        )
        .default("[\"create\", \"update\", \"delete\"]")
        .example("[\"create\"]"),
        Key::new(
            "secret",
            Shape::Table(&SECRET_PLACE),
            "Where the secret is by which the changes are signed: `whsec_` and the base64 of 24 to 64 \
             bytes. While one is put in another's place, both can stand there with a space between, \
             and both sign.",
            "Onde está o segredo com que as mudanças são assinadas: `whsec_` e o base64 de 24 a 64 \
             bytes. Enquanto um é trocado por outro, os dois podem estar lá, com um espaço entre \
             eles, e os dois assinam.",
        )
        .required()
        .example("{ env = \"ERP_SECRET\" }"),
        Key::new(
            "fields",
            Shape::List {
                of: &Shape::Text(&IDENTIFIER),
                fewest: 1,
                most: None,
            },
            "The members of documents that are sent. An update that changes none of them is not sent.",
            "Os membros dos documentos que são enviados. Uma mudança que não altera nenhum deles não é \
             enviada.",
        )
        .otherwise("whole documents", "documentos inteiros")
        .example("[\"status\"]"),
        Key::new(
            "private",
            Shape::Boolean,
            "Whether the URL may lead to an address of a private network. It may never lead to one that \
             gives out credentials, such as `169.254.169.254`.",
            "Se a URL pode levar a um endereço de uma rede privada. Ela nunca pode levar a um que \
             fornece credenciais, como `169.254.169.254`.",
        )
        .default("false")
        .example("true"),
    ],
    rule: Rule::Any,
};

const EVENTS: Section = Section {
    id: "events",
    title: sentence("Events", "Eventos"),
    header: "[modules.NAME.events]",
    about: sentence(
        "Where in AWS each change of the module's items is sent: one of these keys.",
        "Para onde na AWS cada mudança dos itens do módulo é enviada: uma destas chaves.",
    ),
    keys: &[
        Key::new(
            "bus",
            Shape::Text(&BUS),
            "A bus of EventBridge: the name of one in the function's account and region, or an ARN.",
            "Um barramento do EventBridge: o nome de um na conta e região da função, ou um ARN.",
        )
        .example("\"erp\""),
        Key::new(
            "queue",
            Shape::Text(&QUEUE_ARN),
            "The ARN of a queue of SQS. One that ends in `.fifo` keeps the order of an item's changes.",
            "O ARN de uma fila do SQS. Uma que termina em `.fifo` mantém a ordem das mudanças de um \
             item.",
        )
        .example("\"arn:aws:sqs:us-east-1:123456789012:erp.fifo\""),
        Key::new(
            "topic",
            Shape::Text(&TOPIC_ARN),
            "The ARN of a topic of SNS. One that ends in `.fifo` keeps the order of an item's changes.",
            "O ARN de um tópico do SNS. Um que termina em `.fifo` mantém a ordem das mudanças de um \
             item.",
        )
        .example("\"arn:aws:sns:us-east-1:123456789012:erp\""),
    ],
    rule: Rule::One,
};
