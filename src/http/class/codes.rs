//! The codes and types with which services name a failure. Data only.

use crate::error::FailureClass;

/// A code for which the words decide: no money at OpenAI, a throttle elsewhere.
pub(super) const INSUFFICIENT_QUOTA: &str = "insufficientquota";

/// Codes that decide alone. Written without anything but letters and digits, in lower case.
const SURE: &[(FailureClass, &[&str])] = &[
    (
        FailureClass::Money,
        &[
            "insufficientuserquota",
            "preconsumetokenquotafailed",
            "tokenquotaexhausted",
            "quotanotenough",
            "arrearage",
            "inarrears",
            "accountinarrears",
            "resourceunavailableinarrears",
            "creditbalanceexhausted",
            "billinghardlimitreached",
            "billingnotactive",
            "billinglimituserdefined",
            "exceededcurrentquotaerror",
            "insufficientbalance",
            "insufficientbalanceerror",
            "insufficientcredits",
            "insufficientcredit",
            "insufficientfunds",
            "balancenotenough",
            "outofcredits",
            "paymentrequired",
            "budgetexceeded",
            "accountoverdue",
            "accountoverdueerror",
            "operationdeniedserviceoverdue",
            "allocationquotafreetieronly",
            "failedoperationresourcepackexhausted",
            "failedoperationfreeresourcepackexhausted",
            "resourceinsufficientchargeresourceexhaust",
            "1113",
            "1008",
            "30001",
        ],
    ),
    (
        FailureClass::Model,
        &[
            "modelnotfound",
            "modelnotexist",
            "modelnotfounderror",
            "invalidmodel",
            "modelnotsupported",
            "unsupportedmodel",
            "unknownmodel",
            "modelnotavailable",
            "modelnotallowed",
            "modelnotopen",
            "modelaccessdenied",
            "modeldecommissioned",
            "keymodelaccessdenied",
            "teammodelaccessdenied",
            "deploymentnotfound",
            "invalidendpointormodelnotfound",
            "noavailablechannel",
        ],
    ),
    (
        FailureClass::Key,
        &[
            "invalidapikey",
            "incorrectapikeyerror",
            "apikeyinvalid",
            "apikeyexpired",
            "missingapikey",
            "invalidauthenticationerror",
            "authenticationerror",
            "autherror",
            "invalidtoken",
            "invalidaccesstoken",
            "expiredtoken",
            "tokenexpired",
            "expiredkey",
            "unauthorized",
            "unauthenticated",
            "invalidcredentials",
        ],
    ),
    (
        FailureClass::Access,
        &[
            "unsupportedcountryregionterritory",
            "accountdeactivated",
            "accountsuspended",
            "organizationrestricted",
            "accessterminatederror",
            "permissiondenied",
            "permissiondeniederror",
            "permissionerror",
            "accessdenied",
        ],
    ),
    (
        FailureClass::TooLong,
        &[
            "contextlengthexceeded",
            "contextwindowexceeded",
            "contextwindowexceedederror",
            "exceedcontextsizeerror",
            "modelcontextwindowexceeded",
            "maxcontextlengthexceeded",
            "texttoolong",
        ],
    ),
    (
        FailureClass::Request,
        &[
            "contentfilter",
            "contentpolicyviolation",
            "contentfiltererror",
            "datainspectionfailed",
            "sensitivewordsdetected",
            "hooksfailed",
            // Those of a failed response (specification, `ResponseError`).
            "invalidprompt",
            "biopolicy",
            "cyberpolicy",
            "misalignment",
            "invalidimage",
            "invalidimageformat",
            "invalidbase64image",
            "invalidimageurl",
            "invalidimagemode",
            "imagetoolarge",
            "imagetoosmall",
            "imageparseerror",
            "imagecontentpolicyviolation",
            "imagefiletoolarge",
            "imagefilenotfound",
            "unsupportedimagemediatype",
            "emptyimagefile",
            "failedtodownloadimage",
        ],
    ),
];

/// Codes that yield to words which say more.
const WEAK: &[(FailureClass, &[&str])] = &[
    (
        FailureClass::Rate,
        &[
            "ratelimitexceeded",
            "ratelimiterror",
            "ratelimitreachederror",
            "ratelimitreached",
            "ratelimited",
            "ratelimit",
            "tpmratelimitexceeded",
            "rpmratelimitexceeded",
            "accountratelimitexceeded",
            "toomanyrequests",
            "requestlimitexceeded",
            "resourceexhausted",
            "throttling",
            "1302",
            "1303",
        ],
    ),
    (
        FailureClass::Server,
        &[
            "overloaded",
            "overloadederror",
            "engineoverloadederror",
            "engineoverloaded",
            "serveroverloaded",
            "modeloverloaded",
            "serverbusy",
            "serverisoverloaded",
        ],
    ),
];

/// Types that stand for a class of statuses. They count only where nothing else tells the class. One that
/// services give to anything, as `invalid_request_error`, tells nothing.
const TYPES: &[(FailureClass, &[&str])] = &[
    (
        FailureClass::Server,
        &[
            "servererror",
            "internalerror",
            "internalservererror",
            "internal",
            "apierror",
            "upstreamerror",
            "systemerror",
            "badgateway",
            "serviceunavailable",
            "serviceunavailableerror",
            "unavailable",
            "timeouterror",
            "timeout",
            "requesttimeout",
            "gatewaytimeout",
            "deadlineexceeded",
        ],
    ),
    (
        FailureClass::Request,
        &[
            "badrequest",
            "badrequesterror",
            "invalidargument",
            "invalidparameter",
            "invalidvalue",
            "invalidparametererror",
            "unsupportedparameter",
            "unsupportedvalue",
            "validationerror",
            "unprocessableentity",
            "unprocessableentityerror",
        ],
    ),
    (FailureClass::Endpoint, &["notfounderror", "notfound"]),
    (FailureClass::Impossible, &["notsupportederror", "notimplementederror", "notimplemented"]),
];

/// The class of a code that decides alone.
pub(super) fn sure(code: &str) -> Option<FailureClass> {
    find(SURE, code)
}

/// The class of a code that yields to words.
pub(super) fn weak(code: &str) -> Option<FailureClass> {
    find(WEAK, code)
}

/// The class of a type, if it is a known one.
pub(super) fn of_type(code: &str) -> Option<FailureClass> {
    find(TYPES, code)
}

fn find(table: &[(FailureClass, &[&str])], code: &str) -> Option<FailureClass> {
    let code = plain(code);
    table.iter().find(|(_, codes)| codes.contains(&code.as_str())).map(|(class, _)| *class)
}

/// A code without what services write differently: `RateLimitReached`, `rate_limit_reached`.
pub(super) fn plain(code: &str) -> String {
    code.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
