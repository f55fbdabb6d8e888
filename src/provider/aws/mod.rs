//! What every service of AWS has in common: who we are there (`credentials` and the places that they come from), how a request is
//! signed (`sigv4`), where it goes and in which form (`leaf`), and what a refusal means (`words`).
//!
//! A provider asks by a path of two parts, `/SERVICE/OPERATION`, with a JSON body, and says what the services that it asks are called on
//! the wire (`Targets`). There it is `POST /` of the service's own host with the operation in `X-Amz-Target` (AWS JSON 1.1), or a form
//! where a service speaks the older query protocol.
//!
//! The signing is our own and not `aws-sigv4`: that needs `aws-smithy-runtime-api`, `aws-credential-types` and a second HMAC beside
//! `ring`'s, for a hundred lines; and `aws-config` brings a second client and runtime with it. Both are held against what is AWS's: its
//! published vectors, and botocore.
//!
//! Here must not live: what any one service is asked for.

mod chain;
mod credentials;
mod identity;
mod leaf;
mod metadata;
mod process;
mod profile;
mod sigv4;
mod sso;
mod sts;
mod words;

pub use self::{
    chain::{Chain, Role, Ways},
    credentials::Credentials,
    identity::{Identity, identity},
    leaf::{Leaves, Targets, signed},
    sigv4::{Purpose, authorize},
    words::{code, words},
};

/// What sentences call it.
const CALLED: &str = "AWS";
/// Where the address of a service has its name, and where the region.
const SERVICE: &str = "{service}";
const REGION: &str = "{region}";

/// The address of a service: that which is configured, with `{service}` and `{region}` in it where each has its own; else AWS's.
pub fn address(configured: Option<&str>, service: &str, region: &str) -> String {
    let usual = if region.starts_with("cn-") {
        "https://{service}.{region}.amazonaws.com.cn"
    } else {
        "https://{service}.{region}.amazonaws.com"
    };
    configured.unwrap_or(usual).replace(SERVICE, service).replace(REGION, region)
}

/// Which partition a region is of, as ARNs name it.
pub fn partition(region: &str) -> &'static str {
    match region {
        china if china.starts_with("cn-") => "aws-cn",
        government if government.starts_with("us-gov-") => "aws-us-gov",
        _ => "aws",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_where_its_region_has_it_or_where_the_configuration_says() {
        let table = [
            (None, "eu-west-1", "https://sts.eu-west-1.amazonaws.com"),
            (None, "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"),
            (
                Some("https://{service}-fips.{region}.amazonaws.com"),
                "us-east-1",
                "https://sts-fips.us-east-1.amazonaws.com",
            ),
            (Some("http://127.0.0.1:4566"), "us-east-1", "http://127.0.0.1:4566"),
        ];
        for (configured, region, wanted) in table {
            assert_eq!(address(configured, "sts", region), wanted);
        }
        assert_eq!(["cn-north-1", "us-gov-east-1", "eu-west-1"].map(partition), ["aws-cn", "aws-us-gov", "aws"]);
    }
}
