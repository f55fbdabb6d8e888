//! How the same is done by hand: which flags lead kubectl to the cluster that is meant, whatever its current context is.

use std::path::Path;

use kube::config::Kubeconfig;

use super::workload::quoted;

/// The flags for a kubeconfig and a context. Where neither is set, the context that is current now is named: it may be
/// another one when somebody runs the command.
pub fn by_context(kubeconfig: Option<&Path>, context: Option<&str>) -> String {
    let file = kubeconfig.map(|path| format!("--kubeconfig {}", quoted(&path.display().to_string())));
    let current = || {
        let read = kubeconfig.map_or_else(Kubeconfig::read, Kubeconfig::read_from);
        read.ok().and_then(|file| file.current_context)
    };
    let context = context.map(str::to_owned).or_else(current).filter(|context| !context.is_empty());
    let context = context.map(|context| format!("--context {}", quoted(&context)));
    file.into_iter().chain(context).collect::<Vec<_>>().join(" ")
}

/// The flags for a server that is named by its address.
pub fn by_server(url: &str) -> String {
    format!("--server {}", quoted(url))
}

/// The command with these flags, where it is one of kubectl's.
pub fn leading(command: &str, flags: &str) -> String {
    match command.strip_prefix("kubectl ").filter(|_| !flags.is_empty()) {
        Some(rest) => format!("kubectl {flags} {rest}"),
        None => command.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        for (flags, expected) in table {
            assert_eq!(leading(command, &flags), expected);
        }
    }
}
