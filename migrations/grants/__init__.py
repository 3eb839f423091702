"""Who may do what: `migrations/grants.toml` is the list, a database is brought to it or compared with it.

`matrix` reads the list, `held` the catalogs, `places` puts the two side by side, `views` are what analytics sees,
`apply` changes and `check` reports. Rights of roles that are not ours are never touched.
"""
