//! Where records are written from: what the system says of this process, whatever name its operator goes by.

use std::{collections::BTreeMap, fs};

use crate::{domain::text::clean, port::record::Origin};

/// Of this process. The environment is believed only for what the user id does not say.
pub(super) fn here(environment: &BTreeMap<String, String>) -> Origin {
    let uid = rustix::process::getuid().as_raw();
    let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let name = |text: &str| Some(clean(text)).filter(|name| !name.is_empty());
    let host = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.or_else(|| environment.get("HOSTNAME").cloned());
    let ssh = environment.get("SSH_CONNECTION").and_then(|text| text.split_whitespace().next());
    let sudo = environment.get("SUDO_USER").zip(environment.get("SUDO_UID"));
    Origin {
        uid,
        login: login(&passwd, uid).and_then(name),
        host: host.and_then(|host| name(host.trim())).unwrap_or_else(|| "an unknown machine".to_owned()),
        from: ssh.and_then(name),
        sudo: sudo.and_then(|(user, uid)| name(&format!("{user} (uid {uid})"))),
    }
}

/// The login name of a user id, as passwd(5) has it.
fn login(passwd: &str, uid: u32) -> Option<&str> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)?.parse() == Ok(uid)).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_the_name_of_the_user_id_and_not_what_the_environment_says() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nbroken\ndana:x:1000:1000::/home/dana:/bin/sh\n";
        assert_eq!([0, 1000, 7].map(|uid| login(passwd, uid)), [Some("root"), Some("dana"), None]);
        let environment = [("USER", "the-ceo"), ("SSH_CONNECTION", "10.0.0.7 50022 10.0.0.1 22")];
        let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let origin = here(&environment);
        assert_eq!(origin.uid, rustix::process::getuid().as_raw());
        assert_ne!(origin.login.as_deref(), Some("the-ceo"));
        assert_eq!(origin.from.as_deref(), Some("10.0.0.7"));
    }
}
