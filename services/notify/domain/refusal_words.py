"""Words in which mail servers refuse, by topic; lower case, with single spaces for all punctuation but '.

Collected from Postfix, Exim, Sendmail, qmail, Exchange, Domino and public providers, and from refusals in Korean,
Japanese, Chinese, German, French and Spanish. A missing word costs a person a look; a wrong one may cost an applicant
their mails. So the lists of other causes are wide, and those for a missing mailbox name it expressly.
"""

import re
from typing import Final

_NEAR: Final = 40
"""Most characters between the word for a mailbox and the word for its absence."""


def _any(phrases: str) -> re.Pattern[str]:
    """Matches whole words, and prefixes if they end in `*`; CJK words match anywhere."""
    written = [phrase.strip() for phrase in re.split(r"[,\n]", phrases) if phrase.strip()]
    latin = [phrase for phrase in written if re.match(r"[a-z]", phrase)]
    ended = "|".join(re.escape(phrase) for phrase in latin if not phrase.endswith("*"))
    begun = "|".join(re.escape(phrase[:-1]) for phrase in latin if phrase.endswith("*"))
    inside = "|".join(re.escape(phrase) for phrase in written if phrase not in latin)
    words = rf"(?<!\w)(?:(?:{ended})(?!\w)" + (f"|{begun})" if begun else ")")
    return re.compile(words + (f"|{inside}" if inside else ""))


_MAILBOX: Final = _any("""
    user, users, username, user name, recipient*, recip, rec, rcpt, mailbox, mail box, account, address
    email address, addressee, alias, person, inbox, login, member, subscriber, local part, destination
    사용자, 계정, 수신, 받는, 메일함, 편지함, 아이디, 주소, 회원, 이메일, ユーザ, アカウント, 宛先, あて先
    受信者, メールボックス, アドレス, 用户, 用戶, 收件人, 邮箱, 郵箱, 账号, 帳號, 地址
    benutzer*, empfänger*, postfach, adress*, utilisateur, destinataire, boite, boîte, compte, usuario
    destinatario, buzón, cuenta, dirección
""")
_ABSENT: Final = _any("""
    does not exist, does not exists, doesn't exist, doesn't exists, doesnt exist, do not exist, don't exist
    did not exist, unknown, not found, wasn't found, not known, not recognized, not recognised, unrecognized, nonexist*
    non exist*, undefined, no such, not an existing, no longer exists, no longer exist, no longer valid
    no longer in use, no longer available, no longer active, no longer on, deleted, terminated, cancelled
    canceled, cannot find, can't find, could not find, couldn't find, unable to find, not listed in
    couldn't be found, could not be found, cannot be found, can't be found, not registered
    존재하지 않, 존재 하지 않, 등록되지 않, 등록되어 있지 않, 가입되지 않, 없는, 없습, 없음, 없어, 없다, 알 수 없, 탈퇴
    삭제, 해지, 存在し, 見つかりません, ありません, 不明, 不存在, 找不到, 无此, 無此, 没有此, 未知
    unbekannt*, existiert nicht, nicht gefunden, inconnu*, inexist*, introuvable, n'existe pas, desconocid*
    no existe, no encontrad*
""")
_NO_SUCH: Final = _any("""
    not our user, not our customer, no longer at
    no mailbox here, no mailbox by that name, no mailbox by this name, has no mailbox
    no such user, no such mailbox, nobody here, nobody by, no one here, no one by, there is no one
    there is no such, there is no user, left the company, left the organi*, left this company
    no longer works, no longer employed, doesn't have a, doesn't have an account, does not have an account
    not found in directory, not in directory, not found in ldap
    宛先不明
""")
_AGREES: Final = _any("""
    mailbox unavailable, mailbox not available, mailbox is unavailable, mailbox disabled, mailbox is disabled
    mailbox moved, mailbox has moved, account disabled, account is disabled, account that you tried to reach is disabled
    user disabled, has been disabled, has been deactivated, bad destination, bad recipient, bad address
    bad mailbox, invalid recipient*, invalid address, invalid mailbox, invalid user, recipient invalid
    address invalid, illegal alias, unrouteable address, not a valid, unroutable address, not a mailbox
    not a user, no valid recipient*, recipient rejected, recipient refused, address rejected
    recipient address rejected, user rejected, undeliverable address, undeliverable recipient, nobody, syntax
    nullmx, null mx, does not accept mail, does not accept email, doesn't accept mail, host unknown
    unknown host, host not found, domain unknown, unknown domain, domain not found, no such host
    no such domain, domain does not exist, domain doesn't exist, nxdomain
""")
_DOMAIN: Final = _any("""
    domain unknown, unknown domain, domain not found, no such domain, domain does not exist, domain doesn't exist
    domain name does not exist, domain is unknown, nxdomain, host unknown, unknown host, host not found
    no such host, 도메인
""")

OF_US: Final = _any("""
    sender*, sending, mailfrom, mail from, return path, originat*, envelope, from address, from header
    from domain, may not send, spf, dkim, dmarc, senderid, authenticat*, unauthenticat*, unauthori*
    not authori*, isn't authori*, helo, ehlo, ptr, rdns, reverse dns, reverse lookup, reverse mapping
    reverse ip, client host, client ip, client address, connecting, your ip, your server, your host
    your hostname, your domain, your network, your isp, your provider, your mta, your mail server
    your mailserver, your email server, your mail is, your mail was, your email is, your email was
    your email has, your message is, your message was, your message has, your message looks
    your message contains, your message appears, your address, your service, your organi*, address of your
    domain of your, ip, ips, ipv4, ipv6, blacklist*, black list*, blocklist*, block list*, denylist*
    deny list*, rbl, dnsbl, dbl, sbl, xbl, pbl, uribl, urbl, is listed, are listed, was listed, been listed
    listed by, listed on, listed at, listing, spamhaus, spamcop, barracuda, sorbs, senderbase, talos
    proofpoint, mimecast, trend micro, trendmicro, cloudmark, kisa, block, blocked, blocks, blocking, ban
    banned, reputation, spam*, antispam, junk, bulk, unsolicited, phish*, virus*, malware, abus*, suspicious
    fraud*, complain*, policy, policies, dynamic, residential, proxy, proxies, content, contents, attachment*
    message rejected, message refused, message too, message size, too large, too big, too long, size, header*
    tls, starttls, encrypt*, certificate*, credential*, login required, log in first
    발신, 발송, 송신, 보낸 사람, 보낸사람, 보낸이, 보낸 메일, 보내는, 스팸, 차단, 정책, 아이피, 평판
    블랙리스트, 블랙 리스트, 인증, 화이트도메인, 화이트 도메인, 바이러스, 첨부, 送信者, 送信元, 送信側
    送信ドメイン, 差出人, 発信, 迷惑, スパム, ブロック, ブラックリスト, 認証, ポリシー, 逆引き, 发件, 發件
    寄件, 发送, 垃圾, 黑名单, 黑名單, 策略, 信誉, 认证, 認證
    absender*, gesperrt, richtlinie*, schwarze liste, expéditeur*, bloqu*, politique*, liste noire, remitente*
    política*, lista negra
""")
OF_THE_MOMENT: Final = _any("""
    rate, rates, too many, too much, too fast, too frequent*, too often, too quick*, throttl*, limit*, exceed*
    frequen*, volume, temporar*, try again, try later, retry, retried, retries, later, for now, at this time
    at the moment, at this moment, currently, greylist*, graylist*, grey list*, gray list*, defer*, delay*
    timeout, timed out, time out, connection, unreachable, respond*, overload*, busy, congest*, maintenance
    servfail, lookup fail*, lookup error, dns, server down, server unavailable, service unavailable
    service not available, system not available, not yet, internal error
    일시, 잠시, 나중, 다시 시도, 다시 보내, 재시도, 지연, 과다, 너무 많, 빈번, 제한, 혼잡, 점검, 당분간, 一時
    後で, のちほど, しばらく, 再度, 再送, 制限, 混雑, 頻度, 稍后, 稍後, 暂时, 暫時, 频繁, 頻繁, 频率, 頻率
    超出, 过多, 過多
    vorübergehend*, später, temporair*, plus tard, más tarde, temporal*, intente*
""")
_AGAINST: Final = _any("""
    full, quota, overquota, storage, disk, over limit, capacity, space left, no space, insufficient*
    not enough, out of space, out of storage, out of memory, suspend*, inactiv*, dormant, expired, frozen
    locked, not accepting, vacation, out of office, out of the office, denied, forbidden, prohibit*, restrict*
    permission*, not allowed, not permitted, not accepted, isn't allowed, relaying, relay access, relay not
    open relay, to relay, no relay, whitelist*, white list*, allowlist*, allow list*, safelist*, members only
    only accepts, unverified, verification*, not verif*, not be verified, verify failed, unable to verify
    can't verify, cannot verify, could not verify, challenge, captcha, loop*, hop, hops, routing, unsubscrib*
    opted out
    용량, 초과, 가득, 꽉, 휴면, 정지, 잠금, 만료, 수신 거부, 수신거부, 수신을 거부, 거절, 부재, 한도, 권한
    容量, 一杯, いっぱい, 満杯, 超過, 休止, 停止, 拒否, 已满, 已滿, 超限, 停用, 冻结, 凍結, 拒绝, 拒絕, 拒收
    voll, überschritten, plein, pleine, saturé*, lleno, llena, cuota, suspendid*
""")


def no_such_mailbox(words: str) -> bool:
    """The words say that the mailbox does not exist; no status is needed beside them."""
    if _NO_SUCH.search(words):
        return True
    near = (words[max(0, match.start() - _NEAR) : match.end() + _NEAR] for match in _ABSENT.finditer(words))
    return any(_MAILBOX.search(each) for each in near)


def agrees(words: str) -> bool:
    """The words agree with a status that says the mailbox does not exist."""
    return no_such_mailbox(words) or _AGREES.search(words) is not None


def of_a_domain(words: str) -> bool:
    """The words say that some domain or host does not exist."""
    return _DOMAIN.search(words) is not None


def speaks_against(words: str) -> bool:
    """The words name another cause than a missing address."""
    return any(pattern.search(words) for pattern in (OF_US, OF_THE_MOMENT, _AGAINST))
