//! Money, quotas, and the pace of requests.

/// Something is short: with a noun of [`PURSE`] or [`QUOTA`] near it.
pub(in crate::http::class) const SHORTAGE: &[&str] = &[
    "insufficient",
    "not enough",
    "not sufficient",
    "exhausted",
    "depleted",
    "used up",
    "run out",
    "ran out",
    "out of",
    "too low",
    "negative",
    "no remaining",
    "no more",
    "remaining 0",
    "need more",
    "requires more",
    "不足",
    "不够",
    "用尽",
    "用完",
    "耗尽",
    "用光",
    "为负",
    "为0",
    "已达上限",
];

/// Money that a request is paid from.
pub(in crate::http::class) const PURSE: &[&str] =
    &["balance", "credit", "credits", "funds", "prepayment", "余额", "点数", "积分", "资金"];

/// A quota, which may be one of money or one of pace.
pub(in crate::http::class) const QUOTA: &[&str] =
    &["quota", "allowance", "额度", "配额", "资源包", "流量包"];

/// No money, whatever stands beside it.
pub(in crate::http::class) const NO_MONEY: &[&str] = &[
    "insufficient balance",
    "credit balance",
    "no credits",
    "no credit left",
    "in arrears",
    "arrearage",
    "overdue",
    "payment required",
    "spending limit",
    "spend limit",
    "billing hard limit",
    "billing not active",
    "billing is not active",
    "billing is not enabled",
    "billing account*not~",
    "account is not active*billing",
    "unpaid",
    "budget*exceeded",
    "exceeded*budget",
    "key limit exceeded",
    "free tier only",
    "欠费",
    "已欠款",
    "停服",
    "逾期",
];

/// No money, unless a sign of pace stands beside it.
pub(in crate::http::class) const BILLING: &[&str] = &[
    "plan and billing",
    "billing details",
    "check your billing",
    "check your plan",
    "billing quota",
    "enable billing",
    "top up",
    "recharge",
    "充值",
];

/// A quota that is at its end, of money or of pace; at 429 one of pace.
pub(in crate::http::class) const QUOTA_REACHED: &[&str] =
    &["exceed~", "reached", "超出", "超过", "超限"];

/// A limit of pace, whatever stands beside it.
pub(in crate::http::class) const RATE: &[&str] = &[
    "rate limit~",
    "ratelimit~",
    "too many requests",
    "too many concurrent",
    "too many tokens per",
    "throttl~",
    "slow down",
    "requests per minute",
    "requests per second",
    "tokens per minute",
    "request limit*exceed~",
    "request limit*reach~",
    "concurrency limit",
    "concurrent request~",
    "requests too frequent~",
    "frequency limit",
    "限流",
    "限频",
    "请求过于频繁",
    "请求频率",
    "频率*限制",
    "频率*上限",
    "过于频繁",
    "请求过多",
    "请求过快",
    "请求太多",
    "请求太快",
    "速率*限制",
    "速率*上限",
    "速率*超",
    "超*速率",
    "并发*上限",
    "并发*限制",
    "并发*超",
    "超*并发",
    "每分钟*上限",
    "每分钟*限制",
    "每分钟*超",
    "超*每分钟",
];

/// A sign of pace: it makes a quota one of pace.
pub(in crate::http::class) const PACE: &[&str] = &[
    "per minute",
    "per min",
    "per second",
    "per sec",
    "per hour",
    "a minute",
    "a second",
    "minute",
    "rpm",
    "tpm",
    "rps",
    "tps",
    "qps",
    "qpm",
    "rate",
    "concurren~",
    "每分钟",
    "每秒",
    "每小时",
    "分钟",
    "速率",
    "并发",
    "频率",
    "频繁",
];

/// A span of a day or longer.
pub(in crate::http::class) const DAY: &[&str] = &[
    "per day",
    "perday",
    "a day",
    "daily",
    "rpd",
    "tpd",
    "per week",
    "weekly",
    "per month",
    "monthly",
    "每天",
    "每日",
    "当日",
    "当天",
    "今日",
    "今天",
    "单日",
    "日限额",
    "每周",
    "本周",
    "每月",
    "本月",
    "当月",
];

/// That a span's limit is meant.
pub(in crate::http::class) const LIMIT: &[&str] = &[
    "quota",
    "limit",
    "limits",
    "limited",
    "exceeded",
    "exhausted",
    "allowance",
    "usage",
    "rate",
    "额度",
    "配额",
    "限额",
    "上限",
    "限制",
    "次数",
    "用尽",
    "用完",
    "超出",
    "超过",
];

/// A later try may do.
pub(in crate::http::class) const LATER: &[&str] = &[
    "try again",
    "try later",
    "retry later",
    "retry after",
    "retry shortly",
    "please retry",
    "later",
    "稍后",
    "稍候",
    "过一会",
    "后再试",
    "后重试",
];
