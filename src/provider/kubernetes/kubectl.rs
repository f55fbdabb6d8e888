//! How the same is done by hand: which flags lead kubectl to the cluster that is meant, whatever its current context is.

use std::path::Path;

use serde_json::{Value, json};

use super::request::Resource;
use crate::domain::text::shell_word;
use crate::domain::text::without_userinfo;

/// The flags for a kubeconfig and a context, as far as they are set.
pub fn by_context(kubeconfig: Option<&Path>, context: Option<&str>) -> String {
    let file = kubeconfig.map(|path| format!("--kubeconfig {}", shell_word(&path.display().to_string())));
    let context = context.map(|context| format!("--context {}", shell_word(context)));
    file.into_iter().chain(context).collect::<Vec<_>>().join(" ")
}

/// The flags for a server that is named by its address.
pub fn by_server(url: &str) -> String {
    format!("--server {}", shell_word(&without_userinfo(url)))
}

/// The command with these flags, where it is one of kubectl's.
pub fn leading(command: &str, flags: &str) -> String {
    let led = |command: &str| match command.strip_prefix("kubectl ").filter(|_| !flags.is_empty()) {
        // A path that is asked raw stands in place of the server's own.
        Some(rest) => {
            format!("kubectl {flags} {}", rest.replacen(" --raw /", &format!(" --raw {}/", path_of(flags)), 1))
        }
        None => command.to_owned(),
    };
    if let Some((first, then)) = command.split_once(THEN) {
        let then = leading(&format!("kubectl {then}"), flags);
        return format!("{} && {then}", leading(first, flags));
    }
    match command.rsplit_once(PIPE).filter(|(_, last)| last.ends_with(FROM_PIPE)) {
        Some((first, last)) => format!("{}{PIPE}{}", led(first), led(last)),
        None => led(command),
    }
}

/// The path of the server that the flags name: `/kubernetes/eu` of `--server http://127.0.0.1:8001/kubernetes/eu`.
fn path_of(flags: &str) -> &str {
    let server = flags.split_once("--server ").and_then(|(_, rest)| rest.split(' ').next()).unwrap_or_default();
    let host = server.trim_matches('\'').split_once("://").map_or("", |(_, host)| host);
    host.find('/').and_then(|at| host.get(at..)).unwrap_or_default().trim_end_matches('/')
}

/// Between two commands.
const PIPE: &str = " | ";
/// Between two of which the second goes only after the first has worked.
pub const THEN: &str = " && kubectl ";
/// How kubectl takes a patch that another one writes.
const FROM_PIPE: &str = " --patch-file=/dev/stdin";

/// Puts the template of a ReplicaSet into another object. The template goes from one kubectl to the other: it may hold what
/// must not stand in a command, which everybody on the machine can read.
#[derive(Debug)]
pub struct CopyTemplate<'a> {
    /// Where both are.
    pub namespace: &'a str,
    /// From which ReplicaSet.
    pub set: &'a str,
    /// Into what kind of object.
    pub resource: Resource,
    /// Its name.
    pub name: &'a str,
    /// Operations of the patch before the template.
    pub before: Vec<Value>,
    /// Operations after it.
    pub after: Vec<Value>,
}

impl CopyTemplate<'_> {
    /// The command.
    pub fn command(&self) -> String {
        /// Stands for the template until the rest is written for jsonpath, which takes braces for its own.
        const TEMPLATE: &str = "\u{1}";
        let (namespace, name) = (shell_word(self.namespace), shell_word(self.name));
        let replace = format!(r#"{{"op":"replace","path":"{TEMPLATE_PATH}","value":{TEMPLATE}}}"#);
        let written = |all: &[Value]| all.iter().map(Value::to_string).collect::<Vec<_>>();
        let operations = [written(&self.before), vec![replace], written(&self.after)].concat().join(",");
        let braced = format!("[{operations}]").chars().fold(String::new(), |text, c| match c {
            '{' => text + r#"{"{"}"#,
            '}' => text + r#"{"}"}"#,
            c => text + c.encode_utf8(&mut [0; 4]),
        });
        let path = braced.replace(TEMPLATE, "{.spec.template}");
        let read = format!(
            "kubectl -n {namespace} get replicasets.apps {} -o jsonpath={}",
            shell_word(self.set),
            shell_word(&path)
        );
        let kind = self.resource.full_name();
        format!("{read}{PIPE}kubectl -n {namespace} patch {kind} {name} --type=json{FROM_PIPE}")
    }
}

/// The place of a template.
const TEMPLATE_PATH: &str = "/spec/template";

/// Operations that take labels and annotations out of a template that was just put there.
pub fn without<'a>(
    labels: impl IntoIterator<Item = &'a str>,
    annotations: impl IntoIterator<Item = &'a str>,
) -> Vec<Value> {
    let remove = |map: &str, key: &str| {
        let key = key.replace('~', "~0").replace('/', "~1");
        json!({"op": "remove", "path": format!("{TEMPLATE_PATH}/metadata/{map}/{key}")})
    };
    let labels = labels.into_iter().map(|key| remove("labels", key));
    labels.chain(annotations.into_iter().map(|key| remove("annotations", key))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_raw_has_the_path_of_a_server_that_stands_behind_one() {
        let command = "kubectl create --raw /api/v1/namespaces/test/services/loadtester:80/proxy/gate/open -f -";
        let led = |flags: &str| leading(command, flags);
        let raw = "create --raw /kubernetes/eu/api/v1/namespaces/test/services/loadtester:80/proxy/gate/open -f -";
        let behind = by_server("http://127.0.0.1:8001/kubernetes/eu");
        assert_eq!(led(&behind), format!("kubectl {behind} {raw}"));
        let plain = by_server("https://eu.test:6443");
        assert_eq!(led(&plain), format!("kubectl {plain} {}", command.trim_start_matches("kubectl ")));
    }

    #[test]
    fn a_command_says_which_cluster_it_is_for() {
        let command = "kubectl -n shop rollout undo deployment/web";
        let table = [
            (by_context(None, Some("prod eu")), "kubectl --context 'prod eu' -n shop rollout undo deployment/web"),
            (
                by_context(Some(Path::new("/etc/k")), Some("eu")),
                "kubectl --kubeconfig /etc/k --context eu -n shop rollout undo deployment/web",
            ),
            (
                by_server("https://eu.test:6443"),
                "kubectl --server https://eu.test:6443 -n shop rollout undo deployment/web",
            ),
            (String::new(), command),
        ];
        let copied = "kubectl -n shop get rs web -o x | kubectl -n shop patch d web --patch-file=/dev/stdin";
        let led = "kubectl --context eu -n shop get rs web -o x | kubectl --context eu -n shop patch d web --patch-file=/dev/stdin";
        assert_eq!(leading(copied, "--context eu"), led);
        let both = "kubectl -n shop rollout undo sts/db && kubectl -n shop patch sts db";
        let led = "kubectl --context eu -n shop rollout undo sts/db && kubectl --context eu -n shop patch sts db";
        assert_eq!(leading(both, "--context eu"), led);
        for (flags, expected) in table {
            assert_eq!(leading(command, &flags), expected);
        }
    }
}
