//! What kind of failure a service reported, as far as it makes a difference to what is done next.

/// The class of a service's failure. Exit code, tries and hint follow from it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum FailureClass {
    /// The account or the key has no money or quota left: waiting doesn't help.
    Money,
    /// No money, or a limit of the service behind a gateway: the reply doesn't tell which.
    MoneyOrRate,
    /// A quota per day or longer is used up.
    DayQuota,
    /// Too many requests in a short time.
    Rate,
    /// The key is refused, or there is none.
    Key,
    /// The account, its country or its rights are refused, whatever the key.
    Access,
    /// The model is unknown, or not for this key, or nothing serves it.
    Model,
    /// There is no such endpoint.
    Endpoint,
    /// The input is longer than the model or the server takes.
    TooLong,
    /// The request is refused for another reason.
    Request,
    /// Another request is in the way (409); once that has ended, this one may succeed.
    Conflict,
    /// The server can't do this at all, although it speaks of a failure of its own.
    Impossible,
    /// The server loads its model.
    Loading,
    /// Too much work, or a failure of the server.
    Server,
    /// Nothing tells what failed.
    #[default]
    Unknown,
}

impl FailureClass {
    /// Whether the same request may succeed a little later.
    pub(crate) fn is_passing(self) -> bool {
        matches!(self, Self::Rate | Self::Conflict | Self::Loading | Self::Server)
    }

    /// Whether the same request fails again, whatever the service says of trying again.
    pub(crate) fn is_final(self) -> bool {
        let is_open = matches!(self, Self::Request | Self::Endpoint);
        !is_open && !self.is_passing()
    }
}
