"""Assets of the platform itself: the schema of each domain, and who may do what."""

from assets.platform.domain_schema import schema_asset as schema_asset
from assets.platform.grants import grants as grants
