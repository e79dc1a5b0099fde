"""What all endpoints share: who may call, the stages of a request, safe retries, health, the OpenAPI document."""
