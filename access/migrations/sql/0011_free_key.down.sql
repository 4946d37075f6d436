drop function access_free_key(text, bigint, boolean, text);
