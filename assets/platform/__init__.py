"""Assets of the platform itself: the schema of each domain."""

from assets.platform.domain_schema import schema_asset as schema_asset
