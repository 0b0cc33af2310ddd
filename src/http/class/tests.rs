//! Errors as services and gateways word them, and their classes.

use std::time::Duration;

use super::*;
use crate::error::FailureClass as Class;
use crate::http::fault::Fault;

/// The class of an error with this status, code and words.
fn class_of(status: u16, code: &str, words: &str) -> Class {
    of(status, words, |fault| fault.code = (!code.is_empty()).then(|| code.to_owned()))
}

fn of(status: u16, words: &str, change: impl FnOnce(&mut Fault)) -> Class {
    verdict(Some(status), words, "api.example", "m", change).class
}

fn verdict(
    status: Option<u16>,
    words: &str,
    host: &str,
    model: &str,
    change: impl FnOnce(&mut Fault),
) -> Verdict {
    let mut fault = Fault { message: words.to_owned(), ..Fault::default() };
    change(&mut fault);
    Verdict::of(&Evidence {
        status,
        is_carried: status.is_none(),
        fault: &fault,
        has_wait: false,
        host,
        model,
        slow_down_codes: &[],
    })
}

#[test]
fn no_money_is_no_money_under_any_status() {
    for words in [
        "Insufficient balance",
        "Your balance is insufficient, please recharge",
        "Insufficient Balance: the account has too low a balance",
        "Your credit balance is too low to access the API",
        "You have run out of credits",
        "Insufficient credits. Add more using https://a.example/credits",
        "This request requires more credits, or fewer max_tokens",
        "insufficient funds in the account",
        "Your account has an overdue balance",
        "You have reached your spending limit",
        "Key limit exceeded (total limit)",
        "Budget has been exceeded! Current cost: 2, Max budget: 1",
        "You exceeded your current quota, please check your plan and billing details.",
        "the quota of this token is exhausted",
        "token quota is not enough",
        "用户额度不足, 剩余额度: 0",
        "该令牌额度已用尽",
        "额度已用完，请充值",
        "余额不足",
        "账户余额已耗尽",
        "账户已欠费，请充值后再试",
        "您的账户已逾期",
        "请充值",
        "不足的余额",
    ] {
        for status in [400, 401, 402, 403, 429, 500, 503] {
            assert_eq!(class_of(status, "", words), Class::Money, "{status} {words}");
        }
        assert_eq!(verdict(None, words, "h", "m", |_| ()).class, Class::Money, "{words}");
    }
    for code in [
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
        "Arrearage",
        "billing_hard_limit_reached",
        "1113",
        "AllocationQuota.FreeTierOnly",
        "AccountOverdueError",
        "exceeded_current_quota_error",
    ] {
        for status in [400, 401, 403, 429, 503] {
            assert_eq!(class_of(status, code, "please try again later"), Class::Money, "{code}");
        }
    }
}

#[test]
fn a_quota_of_pace_is_no_money() {
    for words in [
        "Quota exceeded for generate_content_requests_per_minute_per_project with base model: x",
        "You exceeded your current quota, please check your plan and billing details. Please retry in 34.07s",
        "Requests have exceeded call rate limit of your current pricing tier. Please retry after 26 seconds",
        "The quota of tokens per minute is exhausted",
        "quota used up: TPM",
        "token quota per second exceeded",
        "每分钟额度已用尽",
        "并发额度不足",
        "您的速率额度已用尽",
        "Rate limit reached for m on tokens per minute (TPM): Limit 6000. Need more? https://a.example/billing",
        "request was throttled",
        "您的请求过于频繁，充值后可提升速率",
        "请求被限流",
        "当前分组上游负载已饱和，请稍后再试",
        "The limit of requests is exceeded",
        "",
    ] {
        assert_eq!(class_of(429, "", words), Class::Rate, "{words}");
    }
    for code in [
        "RateLimitExceeded.EndpointRPMExceeded",
        "Throttling.AllocationQuota",
        "rate_limit_exceeded",
    ] {
        assert_eq!(class_of(429, code, "上游负载已饱和"), Class::Rate, "{code}");
        assert_eq!(class_of(403, code, "no"), Class::Rate, "{code}");
    }
    assert_eq!(class_of(400, "", "too many requests"), Class::Rate);
    let billing = "You exceeded your current quota, please check your plan and billing details.";
    let delayed = of(429, billing, |fault| fault.retry_after = Some(Duration::from_secs(34)));
    assert_eq!(delayed, Class::Rate);
    let kind =
        |words: &str| of(429, words, |fault| fault.kind = Some("RESOURCE_EXHAUSTED".to_owned()));
    assert_eq!(kind("Resource has been exhausted"), Class::Rate);
}

#[test]
fn a_quota_of_a_day_is_not_waited_for() {
    for words in [
        "Rate limit reached on tokens per day (TPD): Limit 100000. Please try again in 15m",
        "Rate limit exceeded: free-models-per-day",
        "You have reached your daily limit",
        "今日额度已用尽",
        "每日请求次数超过限制",
        "monthly usage limit reached",
    ] {
        assert_eq!(class_of(429, "", words), Class::DayQuota, "{words}");
    }
    let gemini = of(429, "You exceeded your current quota", |fault| {
        fault.quotas.push("GenerateRequestsPerDayPerProjectPerModel-FreeTier".to_owned());
        fault.retry_after = Some(Duration::from_secs(34));
    });
    assert_eq!(gemini, Class::DayQuota);
}

#[test]
fn insufficient_quota_means_what_its_service_means() {
    let code = |fault: &mut Fault| fault.code = Some("insufficient_quota".to_owned());
    let billing = "You exceeded your current quota, please check your plan and billing details.";
    let at = |host: &str, model: &str, words: &str, status| {
        verdict(status, words, host, model, code).class
    };
    let usual = Some(429);
    assert_eq!(at("api.openai.com", "gpt", billing, usual), Class::Money);
    assert_eq!(at("dashscope.aliyuncs.com", "x", billing, usual), Class::Rate);
    assert_eq!(at("ws.cn-beijing.maas.aliyuncs.com", "x", billing, usual), Class::Rate);
    assert_eq!(at("gateway.example", "qwen3-max", billing, usual), Class::Rate);
    assert_eq!(at("gateway.example", "Qwen/Qwen3-8B", billing, usual), Class::Rate);
    assert_eq!(at("evilaliyuncs.com", "x", billing, usual), Class::Money);
    assert_eq!(at("dashscope.aliyuncs.com", "x", billing, Some(403)), Class::Money);
    assert_eq!(at("dashscope.aliyuncs.com", "x", "余额不足", usual), Class::Money);
    for status in [Some(429), Some(403), None] {
        let later = "当前分组上游负载已饱和，请稍后再试";
        assert_eq!(at("h", "m", later, status), Class::MoneyOrRate);
        assert_eq!(at("h", "m", "please try again later", status), Class::MoneyOrRate);
    }
    assert_eq!(at("h", "m", "每分钟请求超过上限", usual), Class::Rate);
    assert_eq!(at("h", "m", "try again in 20s", usual), Class::Rate);
}

#[test]
fn a_model_that_is_not_served_is_no_failure_of_the_server() {
    for words in [
        "当前分组 default 下对于模型 x 无可用渠道",
        "分组 default 下模型 x 无可用渠道（distributor）",
        "No available channel for model x under group default",
        "该令牌无权使用模型：x",
        "您无权访问模型 x",
        "模型不存在，请检查模型代码",
        "Model x is not supported for current token",
        "The model `x` does not exist or you do not have access to it.",
        "model 'x:7b' not found, try pulling it first",
        "models/x is not found for API version v1",
        "This key is not allowed to access model x",
        "x is not a valid model ID",
        "Unknown model: x",
    ] {
        for status in [400, 401, 403, 404, 500, 503] {
            assert_eq!(class_of(status, "", words), Class::Model, "{status} {words}");
        }
    }
    assert_eq!(class_of(404, "", "could not find abc"), Class::Endpoint);
    let named = |words: &str| verdict(Some(404), words, "h", "abc-1", |_| ()).class;
    assert_eq!(named("could not find abc-1"), Class::Model);
    assert_eq!(named("Invalid URL (POST /v1/abc-1/chat)"), Class::Endpoint);
    for words in ["404 page not found", "Not Found", "no route for POST /v1/models/x", ""] {
        assert_eq!(class_of(404, "", words), Class::Endpoint, "{words}");
    }
    for words in ["the model is overloaded", "model is not available now, try again later"] {
        assert_eq!(class_of(503, "", words), Class::Server, "{words}");
    }
    for words in ["the model does not support tools", "for this model, a stop is not allowed"] {
        assert_eq!(class_of(400, "", words), Class::Request, "{words}");
    }
}

#[test]
fn keys_are_told_from_rights_and_from_words_that_look_like_keys() {
    for words in [
        "Incorrect API key provided: sk-x",
        "API key not valid. Please pass a valid API key.",
        "Missing or invalid Authorization header",
        "invalid apikey",
        "the access token is expired",
        "API Key 无效",
    ] {
        for status in [400, 401, 403, 500] {
            assert_eq!(class_of(status, "", words), Class::Key, "{status} {words}");
        }
    }
    for words in ["无效的令牌", "该令牌已过期", "", "Forbidden", "token (x[3]) is disabled"]
    {
        assert_eq!(class_of(401, "", words), Class::Key, "{words}");
        assert_eq!(class_of(403, "", words), Class::Key, "{words}");
    }
    for words in [
        "Country, region, or territory not supported",
        "Your account has been suspended",
        "用户已被封禁",
        "Your IP address is not allowed",
        "请先完成实名认证",
        "Attention Required! | Cloudflare",
    ] {
        assert_eq!(class_of(403, "", words), Class::Access, "{words}");
    }
    for words in
        ["invalid monkey", "the token limit is invalid", "max tokens missing", "invalid keyboard"]
    {
        assert_eq!(class_of(400, "", words), Class::Request, "{words}");
    }
}

#[test]
fn what_a_request_says_of_itself_is_no_failure_of_the_account() {
    let field =
        |status, words: &str| of(status, words, |fault| fault.param = Some("messages".to_owned()));
    for words in [
        "invalid value: 'insufficient balance'",
        "the billing quota is exhausted is no role",
        "server overloaded is no value",
        "too many requests is no value",
    ] {
        for status in [400, 422] {
            assert_eq!(field(status, words), Class::Request, "{status} {words}");
        }
    }
    assert_eq!(class_of(400, "", "unknown field rate_limit"), Class::Request);
    assert_eq!(class_of(400, "content_filter", "credit balance"), Class::Request);
}

#[test]
fn overload_loading_and_what_cannot_be_done_are_told_apart() {
    for words in [
        "overloaded",
        "The server is busy",
        "模型负载过高，请稍后重试",
        "系统繁忙",
        "queue is full",
    ] {
        for status in [400, 500, 503] {
            assert_eq!(class_of(status, "", words), Class::Server, "{status} {words}");
        }
    }
    assert_eq!(class_of(429, "engine_overloaded_error", ""), Class::Server);
    for words in [
        "Loading model",
        "Model is loading, please retry later",
        "the model x is currently loading",
    ] {
        assert_eq!(class_of(503, "", words), Class::Loading, "{words}");
        assert_eq!(class_of(501, "", words), Class::Impossible, "{words}");
        assert_eq!(class_of(500, "", words), Class::Server, "{words}");
    }
    assert_eq!(class_of(503, "", "error loading model: no such file"), Class::Server);
    for words in
        ["image input is not supported", "imageGenerate is not supported by ollama", "不支持该功能"]
    {
        assert_eq!(class_of(500, "", words), Class::Impossible, "{words}");
    }
    assert_eq!(class_of(500, "", "json: unsupported value: NaN"), Class::Server);
    assert_eq!(class_of(501, "", ""), Class::Impossible);
    for words in [
        "prompt is too long: 9 tokens > 8 maximum",
        "输入长度超限",
        "input is too large to process",
    ] {
        assert_eq!(class_of(400, "", words), Class::TooLong, "{words}");
    }
}

#[test]
fn a_status_in_the_words_counts_where_ours_says_nothing() {
    for (words, class) in [
        ("Error code: 401 - no", Class::Key),
        ("Error code: 429 - slowly", Class::Rate),
        ("Error code: 404 - nothing here", Class::Endpoint),
        ("Error code: 400 - bad", Class::Request),
        ("429 Too Many Requests", Class::Rate),
        ("402 Payment Required", Class::Money),
    ] {
        assert_eq!(class_of(500, "", words), class, "{words}");
        assert_eq!(verdict(None, words, "h", "m", |_| ()).class, class, "{words}");
    }
    assert_eq!(class_of(400, "", "Error code: 500 - x"), Class::Request);
    assert_eq!(class_of(429, "", "Error code: 400 - x"), Class::Rate);
}

#[test]
fn an_error_in_a_good_reply_goes_by_what_is_known() {
    let carried = |code: &str, words: &str| {
        verdict(None, words, "h", "m", |fault| fault.kind = Some(code.to_owned())).class
    };
    for (code, class) in [
        ("rate_limit_exceeded", Class::Rate),
        ("invalid_api_key", Class::Key),
        ("server_error", Class::Server),
        ("insufficient_quota", Class::Money),
        ("model_not_found", Class::Model),
        ("invalid_request_error", Class::Unknown),
        ("one_api_error", Class::Unknown),
    ] {
        assert_eq!(carried(code, "x"), class, "{code}");
    }
    let words = "Unexpected endpoint or method. (POST /chat/completions)";
    assert_eq!(carried("x", words), Class::Endpoint);
}

#[test]
fn exit_codes_follow_from_statuses_where_nothing_else_tells() {
    let codes = [
        (300, 4),
        (400, 4),
        (401, 3),
        (402, 5),
        (403, 3),
        (404, 4),
        (405, 4),
        (408, 6),
        (409, 4),
        (413, 4),
        (422, 4),
        (429, 5),
        (446, 4),
        (498, 4),
        (500, 6),
        (501, 6),
        (503, 6),
        (529, 6),
    ];
    for (status, code) in codes {
        let found = verdict(Some(status), "x", "h", "m", |_| ());
        assert_eq!(found.kind().exit_code(), code, "{status}");
    }
}
