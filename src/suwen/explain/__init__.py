"""Attribution methods, and the faithfulness checks that every explanation must pass."""
