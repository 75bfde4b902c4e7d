-- Accounts and channels are as the file says; what another file put there is not touched; nothing is ever deleted.
begin;
select plan (20);
create function pg_temp.disabled () returns text language sql as $$
    select string_agg (s || case when d is null then '' else ' off' end, ', ' order by s)
    from (select slug s, disabled_at d from gateway.account
          union all select a.slug || '/' || c.slug, c.disabled_at from gateway.channel c join gateway.account a using (account_id)) x
$$;

select results_eq (
    $$select kind, account, channel from sync_config ('/a.yaml', '{acme,globex}', '{Acme Ltd,null}', '{pair,account}', '{acme,acme,globex}', '{sms,mail,sms}',
                                                     '{twilio,email,twilio}', '{tel:+15550001111,null,null}') order by 1, 2, 3$$,
    $$values ('account', 'acme', null::text), ('account', 'globex', null), ('channel', 'acme', 'mail'), ('channel', 'acme', 'sms'), ('channel', 'globex', 'sms')$$,
    'a file makes its accounts and channels');
select is ((select array_agg (name order by slug) from gateway.account), '{"Acme Ltd",globex}', 'an account without a name is called by its slug');
select is ((select array_agg (adapter || ' ' || coalesce (address, '-') order by adapter, address) from gateway.channel), '{"email -","twilio tel:+15550001111","twilio -"}',
           'channels know adapter and address');
select is ((select count (*) from gateway.counter), 2::bigint, 'every account has its counters');
select account_id as acme from gateway.account where slug = 'acme' \gset
select channel_id as sms from gateway.channel where account_id = :acme and slug = 'sms' \gset
select results_eq (
    $$select account_id, channel_id from sync_config ('/a.yaml', '{acme,globex}', '{Acme Ltd,null}', '{pair,account}', '{acme,acme,globex}', '{sms,mail,sms}',
                                                     '{twilio,email,twilio}', '{tel:+15550001111,null,null}') where account = 'acme' and channel = 'sms'$$,
    format ('values (%s::bigint, %s::bigint)', :acme, :sms), 'read again, the rows are the same');

-- Another file.
select count (*) from sync_config ('/b.yaml', '{initech}', '{Initech}', '{pair}', '{initech}', '{sms}', '{twilio}', '{null}') \gset
select is (pg_temp.disabled (), 'acme, acme/mail, acme/sms, globex, globex/sms, initech, initech/sms', 'another file disables nothing of this one');

-- Things leave the first file.
select is ((select count (*) from sync_config ('/a.yaml', '{acme}', '{Acme GmbH}', '{pair}', '{acme}', '{sms}', '{twilio}', '{tel:+15550002222}')), 2::bigint,
           'what is left is returned');
select is (pg_temp.disabled (), 'acme, acme/mail off, acme/sms, globex off, globex/sms off, initech, initech/sms', 'what left the file is disabled, other files'' rows are untouched');
select is ((select name from gateway.account where slug = 'acme'), 'Acme GmbH', 'a new name is taken');
select is ((select address from gateway.channel where account_id = :acme and channel_id = :sms), 'tel:+15550002222', 'and a new address');
select disabled_at as since from gateway.account where slug = 'globex' \gset
update gateway.account set disabled_at = disabled_at - interval '1 day' where slug = 'globex';
select count (*) from sync_config ('/a.yaml', '{acme}', '{Acme GmbH}', '{pair}', '{acme}', '{sms}', '{twilio}', '{tel:+15550002222}') \gset
select is ((select disabled_at from gateway.account where slug = 'globex'), :'since'::timestamptz - interval '1 day', 'it stays disabled since when it left');

-- And come back.
select results_eq (
    $$select kind, account, channel, channel_id from sync_config ('/a.yaml', '{acme,globex}', '{Acme,Globex}', '{pair,account}', '{acme,acme,globex}', '{sms,mail,sms}', '{twilio,email,twilio}',
                                                                 '{null,null,null}') where channel = 'sms' and account = 'acme'$$,
    format ($$values ('channel', 'acme', 'sms', %s::bigint)$$, :sms), 'what comes back is what it was');
select is (pg_temp.disabled (), 'acme, acme/mail, acme/sms, globex, globex/sms, initech, initech/sms', 'and enabled again');
select is ((select count (*) from gateway.channel), 4::bigint, 'there is no second row of anything');

-- What channels carry.
create function pg_temp.carried () returns setof text language sql as $$
    select c.slug || ' ' || concat_ws (' ', c.reply_window, c.pair_pace, c.pair_burst) from gateway.channel c join gateway.account a using (account_id)
    where a.slug = 'acme' order by c.slug
$$;
select results_eq ('select pg_temp.carried ()', array['mail ', 'sms '], 'a channel without a window or pace has none');
select count (*) from sync_config ('/a.yaml', '{acme}', '{Acme}', '{pair}', '{acme,acme}', '{mail,sms}', '{email,whatsapp}', '{null,null}',
                                   '{0,86400000000}', '{0,6000000}', '{0,45}') \gset
select results_eq ('select pg_temp.carried ()', array['mail ', 'sms 24:00:00 00:00:06 45'], 'what its adapter says of them is known');
select count (*) from sync_config ('/a.yaml', '{acme}', '{Acme}', '{pair}', '{acme,acme}', '{mail,sms}', '{email,twilio}', '{null,null}',
                                   '{0,0}', '{0,0}', '{0,0}') \gset
select results_eq ('select pg_temp.carried ()', array['mail ', 'sms '], 'and forgotten with it');

-- An empty file.
select is_empty ($$select * from sync_config ('/a.yaml', '{}', '{}', '{}', '{}', '{}', '{}', '{}')$$, 'an empty file serves nothing');
select is (pg_temp.disabled (), 'acme off, acme/mail off, acme/sms off, globex off, globex/sms off, initech, initech/sms', 'and disables only its own');
select is ((select count (*) from gateway.account), 3::bigint, 'nothing is deleted');
select * from finish ();
rollback;
