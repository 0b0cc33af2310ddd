//! The dialect as a whole.

mod calls;
