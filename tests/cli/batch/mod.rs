//! `llm batch`.
mod answers;
mod going_on;
mod gone;
mod handed_over;
mod made_requests;
mod mishaps;
mod pace;
mod ray;
mod ready_requests;
mod results;
mod rows;
mod service;
mod taking_over;
