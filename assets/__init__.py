"""What is computed: one module an asset, named like the table that it writes; its checks stand beside it."""
