//! Lambda's own operations: functions, their aliases and versions, what is kept warm and free.

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value, json};

use crate::{
    demo::lambda::{
        Alias, Function, Lambda,
        route::{Outcome, page, query, refused},
        spec::VersionSpec,
    },
    domain::text::hex,
};

/// The most that an alias may give to versions beside the one it points at, 0 to 1.
const MOST: f64 = 1.0;

impl Lambda {
    pub(super) fn list(&self, request: &Request<Bytes>) -> Value {
        let one = |function: &Function| {
            json!({"FunctionName": function.spec.name, "FunctionArn": self.spec.function(&function.spec.name),
                "Version": "$LATEST", "Runtime": "python3.13"})
        };
        page(request, "Functions", self.functions.iter().map(one).collect())
    }

    pub(super) fn of_function(&mut self, request: &Request<Bytes>, name: &str, rest: &[&str]) -> Outcome {
        let arn = self.spec.function(name);
        let missing = |what: &str| refused(404, "ResourceNotFoundException", format!("{what}: {arn}"));
        let function = self.function(name).ok_or_else(|| missing("Function not found"))?;
        match rest {
            ["aliases"] => {
                Ok(page(request, "Aliases", function.aliases.iter().map(|alias| aliased(&arn, alias)).collect()))
            }
            ["aliases", alias] if request.method() == Method::PUT => self.update(request, name, alias),
            ["aliases", alias] => {
                let found = function.aliases.iter().find(|one| one.name == *alias);
                let found = found.ok_or_else(|| {
                    refused(404, "ResourceNotFoundException", format!("Cannot find alias arn: {arn}:{alias}"))
                })?;
                Ok(aliased(&arn, found))
            }
            ["versions"] => {
                let mut versions = function.spec.versions.clone();
                versions.sort_by_key(|version| version.number);
                let latest = VersionSpec {
                    published: versions.last().map(|last| last.published).unwrap_or_default(),
                    ..VersionSpec::default()
                };
                let all = std::iter::once(&latest).chain(&versions);
                Ok(page(request, "Versions", all.map(|version| self.configuration(function, version)).collect()))
            }
            ["configuration"] => {
                let number = query(request, "Qualifier").unwrap_or_default();
                let found = function.spec.versions.iter().find(|one| one.number.to_string() == number);
                let found = found.ok_or_else(|| {
                    refused(404, "ResourceNotFoundException", format!("Function not found: {arn}:{number}"))
                })?;
                Ok(self.configuration(function, found))
            }
            ["provisioned-concurrency"] => Ok(page(request, "ProvisionedConcurrencyConfigs", warm(&arn, function))),
            ["concurrency"] => Ok(match function.spec.reserved {
                Some(reserved) => json!({"ReservedConcurrentExecutions": reserved}),
                None => json!({}),
            }),
            _ => Err(refused(404, "UnknownOperationException", "")),
        }
    }

    /// A version, or `$LATEST` where it has no number.
    fn configuration(&self, function: &Function, version: &VersionSpec) -> Value {
        let spec = &function.spec;
        let number = if version.number == 0 { "$LATEST".to_owned() } else { version.number.to_string() };
        let published = version.published.from(self.start).format("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string();
        let arn = format!("{}:{number}", self.spec.function(&spec.name));
        let mut fields = json!({
            "FunctionName": spec.name, "FunctionArn": arn, "Version": number, "Description": version.description,
            "LastModified": published, "State": version.state.as_deref().unwrap_or("Active"), "LastUpdateStatus": "Successful",
            "CodeSha256": hex(format!("{}-{number}", spec.name).as_bytes()), "CodeSize": 48_213, "Timeout": 6, "MemorySize": 512,
            "PackageType": if spec.image { "Image" } else { "Zip" }, "Role": format!("arn:aws:iam::{}:role/{}", self.spec.account, spec.name),
            "Architectures": ["arm64"], "RevisionId": format!("{:08x}-11aa-4bb1-8cc2-000000000000", version.number),
        });
        let layers: Vec<Value> = (0..version.layers)
            .map(|place| json!({"Arn": format!("arn:aws:lambda:{}:{}:layer:shared-{place}:4", self.spec.region, self.spec.account)}))
            .collect();
        if let (Some(fields), false) = (fields.as_object_mut(), layers.is_empty()) {
            fields.insert("Layers".to_owned(), layers.into());
        }
        fields
    }

    fn update(&mut self, request: &Request<Bytes>, name: &str, alias: &str) -> Outcome {
        let arn = self.spec.function(name);
        let body: Value = serde_json::from_slice(request.body())
            .map_err(|_| refused(400, "InvalidRequestContentException", "Could not parse request body into json"))?;
        let there = |number: &str| {
            let all = self.function(name).map(|function| function.spec.versions.as_slice()).unwrap_or_default();
            number == "$LATEST" || all.iter().any(|version| version.number.to_string() == number)
        };
        let found = self.function(name).and_then(|function| function.aliases.iter().find(|one| one.name == alias));
        let missing = || refused(404, "ResourceNotFoundException", format!("Cannot find alias arn: {arn}:{alias}"));
        let found = found.ok_or_else(missing)?.clone();
        if let Some(revision) = body.get("RevisionId").and_then(Value::as_str)
            && revision != found.revision()
        {
            let text = "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve \
                        the latest Revision Id";
            return Err(refused(412, "PreconditionFailedException", text));
        }
        let version = body.get("FunctionVersion").and_then(Value::as_str).unwrap_or(&found.version).to_owned();
        let weights = match body.get("RoutingConfig") {
            None | Some(Value::Null) => found.canary.clone().into_iter().collect::<Vec<_>>(),
            Some(routing) => {
                let given = routing.get("AdditionalVersionWeights").and_then(Value::as_object);
                let given = given.cloned().unwrap_or_default();
                given.into_iter().map(|(number, share)| (number, share.as_f64().unwrap_or(-1.0))).collect()
            }
        };
        let invalid = |text: &str| refused(400, "InvalidParameterValueException", text);
        for number in std::iter::once(&version).chain(weights.iter().map(|(number, _)| number)) {
            if !there(number) {
                return Err(refused(404, "ResourceNotFoundException", format!("Function not found: {arn}:{number}")));
            }
        }
        if weights.len() > 1 {
            return Err(invalid("Number of items in AdditionalVersionWeights cannot be greater than 1"));
        }
        if weights.iter().any(|(number, _)| *number == version) {
            return Err(invalid("Alias version must not be the same as the version in AdditionalVersionWeights"));
        }
        if !weights.is_empty() && version == "$LATEST" {
            return Err(invalid("$LATEST is not supported for an alias pointing to more than 1 version"));
        }
        if weights.iter().any(|(_, share)| !(0.0..=MOST).contains(share)) {
            return Err(invalid("The weight value must be between 0.0 and 1.0"));
        }
        let written = self.alias_mut(name, alias).ok_or_else(missing)?;
        written.write(Some(version), weights.into_iter().find(|(_, share)| *share > 0.0));
        let answer = aliased(&arn, written);
        self.revision += 1;
        Ok(answer)
    }
}

fn aliased(arn: &str, alias: &Alias) -> Value {
    let mut fields = json!({
        "AliasArn": format!("{arn}:{}", alias.name), "Name": alias.name, "FunctionVersion": alias.version, "Description": "",
        "RevisionId": alias.revision(),
    });
    if let (Some(fields), Some((number, share))) = (fields.as_object_mut(), &alias.canary) {
        let weights: Map<String, Value> = std::iter::once((number.clone(), json!(share))).collect();
        fields.insert("RoutingConfig".to_owned(), json!({"AdditionalVersionWeights": weights}));
    }
    fields
}

/// What is kept warm of versions and aliases.
fn warm(arn: &str, function: &Function) -> Vec<Value> {
    let one = |qualifier: String, many: u32| {
        json!({"FunctionArn": format!("{arn}:{qualifier}"), "RequestedProvisionedConcurrentExecutions": many,
            "AvailableProvisionedConcurrentExecutions": many, "AllocatedProvisionedConcurrentExecutions": many, "Status": "READY",
            "LastModified": "2026-03-10T09:00:00+0000"})
    };
    let versions =
        function.spec.versions.iter().filter_map(|version| Some((version.number.to_string(), version.warm?)));
    let aliases = function.aliases.iter().filter_map(|alias| Some((alias.name.clone(), alias.warm?)));
    versions.chain(aliases).map(|(qualifier, many)| one(qualifier, many)).collect()
}
