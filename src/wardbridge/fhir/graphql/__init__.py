"""GraphQL over the record (R4 graphql.html): fields of resources, references followed, searches, result directives."""
