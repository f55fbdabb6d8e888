//! Who AWS takes us for.
//!
//! Source: `docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html`: it takes no right, and so tells of every credential.

use bytes::Bytes;
use http::Request;

use super::sts::{form, tagged};
use crate::{
    domain::{observed::FaultKind, text::clean},
    port::{error::ProviderError, wire::Class},
    provider::http::client::{Answer, Client},
};

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `arn:aws:sts::123456789012:assumed-role/release/dana`
    pub arn: String,
    /// The account that we are in.
    pub account: String,
}

/// Asks who we are; with the whole answer, whose headers tell the time there.
///
/// # Errors
/// When it does not know us, or cannot be asked.
pub async fn identity(client: &Client) -> Result<(Identity, Answer), ProviderError> {
    let mut request = Request::post("/sts/GetCallerIdentity").body(Bytes::from(form("GetCallerIdentity", &[])));
    if let Ok(request) = &mut request {
        request.extensions_mut().insert(Class::Read);
    }
    let request = request.map_err(|why| ProviderError::new(FaultKind::Rejected, why.to_string()))?;
    let client = client.about("who we are").saying(|answer, now| super::words(answer, "no right at all", now));
    let answer = client.done(request).await?;
    let text = String::from_utf8_lossy(answer.body()).into_owned();
    let read = tagged(&text, "Arn").zip(tagged(&text, "Account"));
    let (arn, account) = read.ok_or_else(|| {
        ProviderError::new(FaultKind::Unreadable, "AWS, who we are: the answer names nobody; is that AWS?")
    })?;
    Ok((Identity { arn: clean(&arn), account: clean(&account) }, answer))
}
