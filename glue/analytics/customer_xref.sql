-- Which CRM account is which business partner of the ERP, by which rule, and how sure that is.
-- account_id: The CRM's id of the account
-- business_partner: The ERP's number of the business partner
-- customer: The partner's customer number, null where it is no customer
-- rule: 0 a person's decision, 1 the ERP number on the account, 2 the VAT number
-- confidence: How sure the match is, 0 to 1
-- status: auto, review (somebody should look), conflict (a later rule says another partner), manual, rejected
-- similarity: Of the two normalised names, 0 to 1; null where one is empty
WITH accounts AS (
    SELECT
        id AS account_id,
        name,
        upper(trim(billing_country)) AS country,
        upper(replace(billing_postal_code, ' ', '')) AS postcode,
        trim(erp_customer_number) AS erp_number,
        regexp_replace(upper(vat_number), '[^A-Z0-9]', '') AS vat_typed
    FROM {curated}.crm_account
    WHERE NOT is_deleted
),

addresses AS (
    SELECT
        business_partner,
        collect_set(upper(trim(country))) AS countries,
        collect_set(upper(replace(postal_code, ' ', ''))) AS postcodes
    FROM {curated}.erp_business_partner_address
    GROUP BY business_partner
),

partners AS (
    SELECT
        partner.business_partner,
        nullif(trim(partner.customer), '') AS customer,
        coalesce(
            nullif(trim(partner.organization_bp_name1), ''), concat_ws(' ', partner.first_name, partner.last_name)
        ) AS name,
        coalesce(addresses.countries, array()) AS countries,
        coalesce(addresses.postcodes, array()) AS postcodes
    FROM {curated}.erp_business_partner AS partner
    LEFT JOIN addresses
        ON partner.business_partner = addresses.business_partner
),

overrides AS (
    SELECT account_id, business_partner, max_by(action, at) AS action
    FROM {analytics}.customer_override
    GROUP BY account_id, business_partner
),

-- A number counts when it fits its country's pattern and is no placeholder (one digit over and over, or 123456789).
account_vat AS (
    SELECT
        account_id,
        regexp_replace(IF(vat_typed RLIKE '^[0-9]', concat(country, vat_typed), vat_typed), '^GR', 'EL') AS vat
    FROM accounts
),

partner_vat AS (
    SELECT DISTINCT
        business_partner,
        regexp_replace(IF(vat_typed RLIKE '^[0-9]', concat(country, vat_typed), vat_typed), '^GR', 'EL') AS vat
    FROM (
        SELECT
            business_partner,
            substring(bp_tax_type, 1, 2) AS country,
            regexp_replace(upper(bp_tax_number), '[^A-Z0-9]', '') AS vat_typed
        FROM {curated}.erp_business_partner_tax
        WHERE bp_tax_type LIKE '__0'
    )
),

vat_patterns AS (
    SELECT
        concat_ws(
            '|',
            '^(DE|EE|EL|GB|PT)[0-9]{9}$', '^(FI|HU|LU|MT|SI)[0-9]{8}$', '^ATU[0-9]{8}$', '^(BE|PL)[0-9]{10}$',
            '^BG[0-9]{9,10}$', '^CHE[0-9]{9}(MWST|TVA|IVA)?$', '^CY[0-9]{8}[A-Z]$', '^CZ[0-9]{8,10}$', '^DK[0-9]{8}$',
            '^ES[A-Z0-9][0-9]{7}[A-Z0-9]$', '^FR[A-Z0-9]{2}[0-9]{9}$', '^(HR|IT|LV)[0-9]{11}$',
            '^IE[0-9][A-Z0-9][0-9]{5}[A-Z]{1,2}$',
            '^LT([0-9]{9}|[0-9]{12})$', '^NL[0-9]{9}B[0-9]{2}$', '^RO[0-9]{2,10}$', '^SE[0-9]{12}$', '^SK[0-9]{10}$'
        ) AS valid,
        '^[A-Z]+([0-9])\\1+$|123456789' AS placeholder
),

shared_vat AS (
    SELECT account_vat.account_id, partner_vat.business_partner
    FROM account_vat
    INNER JOIN partner_vat
        ON account_vat.vat = partner_vat.vat
    CROSS JOIN vat_patterns
    WHERE account_vat.vat RLIKE vat_patterns.valid AND NOT account_vat.vat RLIKE vat_patterns.placeholder
),

candidates AS (
    SELECT account_id, business_partner, 0 AS rule
    FROM overrides
    WHERE action = 'link'
    UNION ALL
    SELECT accounts.account_id, partners.business_partner, 1 AS rule
    FROM accounts
    INNER JOIN partners
        ON lpad(accounts.erp_number, greatest(10, length(accounts.erp_number)), '0') = partners.customer
    WHERE accounts.erp_number <> ''
    UNION ALL
    SELECT account_id, business_partner, 2 AS rule
    FROM shared_vat
),

-- What both sides say of a pair; pairs that somebody has forbidden are out.
paired AS (
    SELECT
        candidates.account_id,
        candidates.business_partner,
        candidates.rule,
        partners.customer,
        array(accounts.name, partners.name) AS names,
        coalesce(array_contains(partners.postcodes, accounts.postcode), false) AS same_postcode,
        size(partners.countries) > 0 AND NOT array_contains(partners.countries, accounts.country) AS abroad
    FROM candidates
    INNER JOIN accounts
        ON candidates.account_id = accounts.account_id
    INNER JOIN partners
        ON candidates.business_partner = partners.business_partner
    LEFT ANTI JOIN (SELECT * FROM overrides WHERE action = 'forbid') AS forbidden
        ON candidates.account_id = forbidden.account_id AND candidates.business_partner = forbidden.business_partner
),

-- Accents go, Ä and AE become A (Ö, Ü alike), dots close up (S.A. is SA), other punctuation parts words.
spelled AS (
    SELECT
        *,
        transform(
            names,
            name -> regexp_replace(
                replace(
                    regexp_replace(
                        translate(
                            replace(upper(replace(name, 'ß', 'SS')), 'Æ', 'AE'),
                            'ÀÁÂÃÄÅÇČĆÈÉÊËĘÌÍÎÏŁŃÑÒÓÔÕÖØŚŠÙÚÛÜÝŹŻŽ',
                            'AAAAAACCCEEEEEIIIILNNOOOOOOSSUUUUYZZZ'
                        ),
                        '([AOU])E',
                        '$1'
                    ),
                    '.',
                    ''
                ),
                '[^A-Z0-9]+',
                ' '
            )
        ) AS spellings
    FROM paired
),

-- What is left of a name without legal forms, its words in order.
normalised AS (
    SELECT
        *,
        transform(
            spellings,
            spelling -> array_join(
                array_sort(filter(
                    split(trim(spelling), ' '),
                    word -> NOT array_contains(array(
                        'A', 'AB', 'AG', 'AS', 'BV', 'CO', 'CORP', 'EG', 'EK', 'EPE', 'EV', 'GBR', 'GMBH', 'INC', 'KG',
                        'KGAA', 'KK', 'LIMITED', 'LLC', 'LLP', 'LTD', 'MBH', 'NV', 'OHG', 'OO', 'OY', 'PLC', 'SA',
                        'SARL', 'SAS', 'SE', 'SL', 'SNC', 'SP', 'SPA', 'SRL', 'UG', 'Z', 'ZOO'
                    ), word)
                )),
                ' '
            )
        ) AS norms
    FROM spelled
),

compared AS (
    SELECT
        *,
        IF(
            norms[0] <> '' AND norms[1] <> '',
            1 - levenshtein(norms[0], norms[1]) / greatest(length(norms[0]), length(norms[1])),
            NULL
        ) AS similarity
    FROM normalised
),

-- Of several partners with the account's VAT number, the only one with its postcode stands for all.
counted AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY account_id, rule) AS partners,
        count_if(same_postcode) OVER (PARTITION BY account_id, rule) AS partners_near
    FROM compared
),

narrowed AS (
    SELECT
        *,
        partners = 1 OR (rule = 2 AND partners_near = 1) AS alone
    FROM counted
    WHERE partners = 1 OR rule <> 2 OR partners_near <> 1 OR same_postcode
),

-- The first rule with one partner wins; where none has, all candidates of the first rule wait for somebody to choose.
ranked AS (
    SELECT
        *,
        min(IF(alone, rule, NULL)) OVER (PARTITION BY account_id) AS winning_rule,
        min(rule) OVER (PARTITION BY account_id) AS first_rule,
        min(IF(alone, struct(rule, business_partner), NULL)) OVER (PARTITION BY account_id) AS winner
    FROM narrowed
),

doubted AS (
    SELECT
        *,
        coalesce(
            bool_or(alone AND rule > winning_rule AND business_partner <> winner.business_partner)
                OVER (PARTITION BY account_id),
            false
        ) AS disagreed
    FROM ranked
),

matched AS (
    SELECT
        account_id,
        business_partner,
        customer,
        rule,
        CASE
            WHEN rule = 0 THEN 1.00
            WHEN rule = 1 THEN 0.99
            WHEN partners = 1 THEN 0.95
            ELSE 0.90
        END AS confidence,
        CASE
            WHEN rule = 0 THEN IF(alone, 'manual', 'review')
            WHEN NOT alone THEN 'review'
            WHEN disagreed THEN 'conflict'
            WHEN rule = 1 AND similarity < 0.4 AND abroad THEN 'review'
            ELSE 'auto'
        END AS status,
        similarity
    FROM doubted
    WHERE rule = coalesce(winning_rule, first_rule)
),

rejected AS (
    SELECT
        overrides.account_id,
        overrides.business_partner,
        partners.customer,
        0 AS rule,
        1.00 AS confidence,
        'rejected' AS status,
        CAST(NULL AS DOUBLE) AS similarity
    FROM overrides
    LEFT JOIN partners
        ON overrides.business_partner = partners.business_partner
    WHERE overrides.action = 'forbid'
)

SELECT
    account_id,
    business_partner,
    customer,
    CAST(rule AS INT) AS rule,
    CAST(confidence AS DECIMAL(3, 2)) AS confidence,
    status,
    CAST(round(similarity, 4) AS DECIMAL(5, 4)) AS similarity
FROM (
    SELECT * FROM matched
    UNION ALL
    SELECT * FROM rejected
)
