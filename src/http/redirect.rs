//! Which redirects are followed, and what may travel along (RFC 9110, section 15.4).

use super::Service;
use super::request::{Method, Request, shown};
use crate::error::{Failure, FailureKind};

/// How many exchanges one request may need, redirects included.
pub(super) const MAX_HOPS: usize = 6;

/// The request that a redirect asks for.
///
/// A POST or DELETE follows only 307 and 308 within its origin, with its body. A GET follows any redirect that
/// names a target; to another origin nothing of the profile or the user goes with it.
///
/// # Errors
/// A redirect that is not followed, with its target.
pub(super) fn follow(
    request: &Request,
    status: u16,
    location: Option<&str>,
    service: &Service,
) -> Result<Request, Failure> {
    let name = &service.name;
    let Some(target) = location.and_then(|target| request.url.join(target).ok()) else {
        return Err(Failure::new(
            FailureKind::Refused,
            format!("{name} answered {status} without a `location` header"),
        ));
    };
    let is_same_origin = target.origin() == request.url.origin();
    let is_http = matches!(target.scheme(), "http" | "https");
    let follows = match request.method {
        Method::Post | Method::Delete => matches!(status, 307 | 308) && is_same_origin,
        Method::Get => matches!(status, 301 | 302 | 303 | 307 | 308) && is_http,
    };
    if !follows {
        let what =
            format!("{name} redirects to {} ({status}), which is not followed", shown(&target));
        return Err(Failure::new(FailureKind::Refused, what)
            .hint("if the service has moved there, change `base_url`"));
    }
    let mut next = request.clone();
    next.url = target;
    if !is_same_origin {
        next.headers.retain(|header| !header.is_private);
    }
    Ok(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::request::{Body, Header, Url};

    fn request(method: Method) -> Request {
        Request {
            method,
            url: Url::parse("http://a.example/v1/x").expect("a URL"),
            headers: vec![Header::public("Accept", "x"), Header::private("Api-Key", "geheim")],
            body: Body::Empty,
            body_secrets: Vec::new(),
        }
    }

    fn followed(method: Method, status: u16, target: &str) -> Option<Request> {
        follow(&request(method), status, Some(target), &Service::default()).ok()
    }

    #[test]
    fn a_post_stays_within_its_origin() {
        assert!(followed(Method::Post, 307, "/v2/x").is_some());
        assert!(followed(Method::Post, 308, "http://a.example/y").is_some());
        for (status, target) in [
            (301, "/y"),
            (302, "/y"),
            (303, "/y"),
            (307, "http://b.example/"),
            (307, "http://a.example:81/"),
        ] {
            assert!(followed(Method::Post, status, target).is_none(), "{status} {target}");
        }
        assert!(follow(&request(Method::Post), 307, None, &Service::default()).is_err());
    }

    #[test]
    fn a_get_leaves_private_headers_behind() {
        let same = followed(Method::Get, 302, "/y").expect("followed");
        assert_eq!(same.headers.len(), 2);
        let other = followed(Method::Get, 301, "https://b.example/").expect("followed");
        assert_eq!(other.headers, [Header::public("Accept", "x")]);
        assert!(followed(Method::Get, 304, "/y").is_none());
        assert!(followed(Method::Get, 302, "file:///etc/passwd").is_none());
    }
}
