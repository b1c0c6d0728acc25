//! `import`: how long contracts take to read: the rows file, eight of the platform's Swagger files, and a made
//! OpenAPI file of 30 MB with the real operations in it.

use std::fmt::Write as _;

use countersign_decision::{ContractSource, PermissionMode, SourceFile};

use crate::catalog::{self, Ask, Rule, Rules};
use crate::clock::{median, thread_time};
use crate::memory::{peak_resident_bytes, uncounted};
use crate::table::{Table, times, verdict};
use crate::{CommonArguments, report};

const ROUNDS: usize = 5;
const LARGE_BYTES: usize = 30_000_000;
const GATE_SECONDS: f64 = 2.0;
const MOONSHOT_SECONDS: f64 = 0.7;
const SWAGGER_FILES: [&str; 8] = [
    "genesys-audit-api-openapi.yml",
    "genesys-authorization-api-openapi.yml",
    "genesys-groups-api-openapi.yml",
    "genesys-oauth-api-openapi.yml",
    "genesys-organization-api-openapi.yml",
    "genesys-tokens-api-openapi.yml",
    "genesys-usage-api-openapi.yml",
    "genesys-users-api-openapi.yml",
];

pub(crate) fn run(arguments: &CommonArguments) -> Result<(), String> {
    let folder = catalog::shared_folder(arguments.shared.as_deref());
    let rows = catalog::shared_text(&folder, "contract/genesys-catalog.json")?;
    let read = |name: &&str| catalog::shared_text(&folder, &format!("contract/swagger/{name}"));
    let swagger = SWAGGER_FILES.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let contracts = catalog::real_contracts(&folder)?;
    let rules = Rules::of(&contracts, catalog::measured(&contracts))?;
    let large = made_openapi(&rules, if arguments.smoke { 0 } else { LARGE_BYTES });

    let rows = [SourceFile { name: "genesys-catalog.json", text: &rows }];
    let texts = SWAGGER_FILES.iter().zip(&swagger);
    let swagger: Vec<_> = texts.map(|(name, text)| SourceFile { name, text }).collect();
    let large = [SourceFile { name: "made.yaml", text: &large }];
    check_same(&contracts, &catalog::imported(&large)?)?;

    let inputs: [(&str, &[SourceFile<'_>]); 3] =
        [("rows file, JSON", &rows), ("eight Swagger files, YAML", &swagger), ("made OpenAPI file, YAML", &large)];
    let mut measured: [Vec<[f64; 2]>; 3] = Default::default();
    for _ in 0..if arguments.smoke { 1 } else { ROUNDS } {
        for ((_, files), rounds) in inputs.iter().zip(&mut measured) {
            rounds.push(uncounted(|| seconds(files))?);
        }
    }

    let mut table = Table::new(&["input", "MB", "import, CPU s", "MB/s", "made matchable, CPU s"]);
    let mut last = 0.0;
    for ((name, files), rounds) in inputs.iter().zip(&measured) {
        let bytes: usize = files.iter().map(|file| file.text.len()).sum();
        let of = |part: usize| median(&rounds.iter().map(|round| round[part]).collect::<Vec<_>>());
        let megabytes = bytes as f64 / 1e6;
        last = of(0);
        table.row([
            (*name).into(),
            format!("{megabytes:.2}"),
            format!("{last:.4}"),
            format!("{:.1}", megabytes / last),
            format!("{:.4}", of(1)),
        ]);
    }
    report(&format!("{table}"));
    if !arguments.smoke {
        let (gate, moonshot) = (verdict(last <= GATE_SECONDS), verdict(last <= MOONSHOT_SECONDS));
        report(&format!(
            "import of 30 MB: {} s, gate <= {GATE_SECONDS} s {gate}, moonshot <= {MOONSHOT_SECONDS} s {moonshot}",
            times(last)
        ));
    }
    report(&format!("peak memory {:.2} GiB", peak_resident_bytes().unwrap_or(0) as f64 / 1_073_741_824.0));
    Ok(())
}

/// Processor seconds of reading, and of making what was read matchable.
fn seconds(files: &[SourceFile<'_>]) -> Result<[f64; 2], String> {
    let start = thread_time();
    let source = catalog::imported(files)?;
    let read = thread_time();
    let contracts = catalog::contracts_of(source)?;
    let made = thread_time();
    drop(contracts);
    Ok([(read - start).as_secs_f64(), (made - read).as_secs_f64()])
}

/// The made file has to say what the real contract says, or it would measure another one.
fn check_same(real: &countersign_decision::Contracts, made: &ContractSource) -> Result<(), String> {
    let real = catalog::measured(real);
    for operation in &made.operations {
        let known = real.operation(&operation.id).ok_or_else(|| format!("`{}` was made up", operation.id))?;
        let is_same = known.requirement.means_the_same(&operation.requirement)
            || known.requirement.kind() == operation.requirement.kind() && known.requirement.kind() != "oauth";
        if !is_same || known.path != operation.path || known.method != operation.method {
            return Err(format!("`{}` was made otherwise than it is", operation.id));
        }
    }
    if made.operations.len() != real.operations().len() {
        return Err(format!("{} operations were made of {}", made.operations.len(), real.operations().len()));
    }
    Ok(())
}

/// The real operations as the platform writes them (error texts with each response), then schemas until the file is
/// as long as the real one.
fn made_openapi(rules: &Rules, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 1_000_000);
    text.push_str("openapi: 3.0.3\ninfo:\n  title: Made\n  version: v2\npaths:\n");
    let mut paths: Vec<&str> = Vec::new();
    for rule in &rules.operations {
        if !paths.contains(&rule.path.as_str()) {
            paths.push(&rule.path);
        }
    }
    for path in paths {
        writeln!(text, "  {path}:").expect(TEXT);
        for rule in rules.operations.iter().filter(|rule| rule.path == path) {
            push_operation(&mut text, rule, rules);
        }
    }
    text.push_str(
        "components:\n  securitySchemes:\n    PureCloud OAuth:\n      type: oauth2\n      flows:\n        implicit:\n",
    );
    text.push_str("          authorizationUrl: https://login.example.test/authorize\n          scopes: {}\n");
    text.push_str("    Guest Chat JWT:\n      type: apiKey\n      name: Authorization\n      in: header\n  schemas:\n");
    let mut number = 0;
    while text.len() < bytes || number == 0 {
        push_schema(&mut text, number);
        number += 1;
    }
    text
}

const TEXT: &str = "a text takes everything";

fn push_operation(text: &mut String, rule: &Rule, rules: &Rules) {
    let method = rule.method.as_str().to_lowercase();
    let quoted = |text: &str| serde_json::to_string(text).expect("a text is JSON");
    write!(
        text,
        "    {method}:\n      tags:\n      - Made\n      summary: What {id} does\n      description: ''\n      \
         operationId: {id}\n      parameters:\n",
        id = rule.id
    )
    .expect(TEXT);
    for name in rule.path.split('/').filter_map(|part| part.strip_prefix('{')) {
        let name = name.trim_end_matches('}');
        write!(text, "      - name: {name}\n        in: path\n        description: The id\n        required: true\n")
            .expect(TEXT);
        text.push_str("        schema:\n          type: string\n");
    }
    text.push_str(
        "      - name: expand\n        in: query\n        schema:\n          type: string\n      responses:\n",
    );
    for (status, what) in ANSWERS {
        write!(
            text,
            "        '{status}':\n          description: {what}\n          content:\n            application/json:\n"
        )
        .expect(TEXT);
        text.push_str("              schema:\n                $ref: '#/components/schemas/Made0'\n");
        text.push_str("          x-inin-error-codes:\n");
        for code in ["bad.request", "invalid.value", "not.authorized", "missing.any.permissions"] {
            writeln!(text, "            {code}: 'Unable to perform the requested action. {what}: %s'").expect(TEXT);
        }
    }
    match &rule.ask {
        Ask::Public => text.push_str("      security: []\n"),
        Ask::Unstated => {}
        Ask::OtherCredential => text.push_str("      security:\n      - Guest Chat JWT: []\n"),
        Ask::Oauth { scopes, permissions } => {
            text.push_str("      security:\n      - PureCloud OAuth:\n");
            if scopes.is_empty() {
                let length = text.len() - 1;
                text.truncate(length);
                text.push_str(" []\n");
            }
            for scope in scopes {
                writeln!(text, "        - {}", quoted(&rules.scopes[usize::from(*scope)])).expect(TEXT);
            }
            if let Some((mode, of)) = permissions {
                let mode = if *mode == PermissionMode::Any { "ANY" } else { "ALL" };
                write!(text, "      x-inin-requires-permissions:\n        type: {mode}\n        permissions:\n")
                    .expect(TEXT);
                for permission in of {
                    writeln!(text, "        - {}", rules.permissions[usize::from(*permission)]).expect(TEXT);
                }
            }
        }
    }
}

const ANSWERS: [(&str, &str); 7] = [
    ("200", "successful operation"),
    ("400", "The request could not be understood by the server due to malformed syntax."),
    ("401", "No authentication bearer token specified in authorization header."),
    ("403", "You are not authorized to perform the requested action."),
    ("404", "The requested resource was not found."),
    ("429", "Rate limit exceeded the maximum."),
    (
        "503",
        "Service Unavailable. The server is currently unavailable because it is overloaded or down for maintenance.",
    ),
];

fn push_schema(text: &mut String, number: usize) {
    write!(text, "    Made{number}:\n      type: object\n      required:\n      - id\n      properties:\n")
        .expect(TEXT);
    for property in 0..12 {
        write!(text, "        property{property}:\n          type: string\n          description: What ").expect(TEXT);
        writeln!(text, "property {property} of schema {number} means to whoever reads it").expect(TEXT);
        text.push_str("          enum:\n          - ONE\n          - TWO\n");
    }
}
