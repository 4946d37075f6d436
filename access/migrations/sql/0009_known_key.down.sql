drop function access_known_key(text, bigint, boolean, text);
