-- The tables that are filled chunk by chunk, named and typed as the warehouse has them.
CREATE TABLE "BI"."FACTVISITCALLPERFORMANCE_CR" (
    "Visit Id" VARCHAR,
    "Application Visit Id" VARCHAR,
    "Visit Date" TIMESTAMP WITH TIME ZONE,
    "Visit Status" VARCHAR,
    "Scheduled Start Time" TIMESTAMP WITH TIME ZONE,
    "Scheduled End Time" TIMESTAMP WITH TIME ZONE,
    "Visit Start Time" TIMESTAMP WITH TIME ZONE,
    "Visit End Time" TIMESTAMP WITH TIME ZONE,
    "Call In Time" TIMESTAMP WITH TIME ZONE,
    "Call Out Time" TIMESTAMP WITH TIME ZONE,
    "Call In GPS Coordinates" VARCHAR,
    "Call Out GPS Coordinates" VARCHAR,
    "Call Out Device Type" VARCHAR,
    "Is Missed" BOOLEAN,
    "Missed Visit Reason" VARCHAR,
    "Permanent Deleted" BOOLEAN,
    "Provider Id" VARCHAR,
    "Application Provider Id" VARCHAR,
    "Office Id" VARCHAR,
    "Caregiver Id" VARCHAR,
    "Application Caregiver Id" DECIMAL(18, 0),
    "Patient Id" VARCHAR,
    "Provider Patient Id" VARCHAR,
    "Payer Patient Id" VARCHAR,
    "Payer Id" VARCHAR,
    "Application Payer Id" DECIMAL(18, 0),
    "Contract Id" VARCHAR,
    "Application Contract Id" VARCHAR,
    "Service Code Id" VARCHAR,
    "Bill Type" VARCHAR,
    "Billed" VARCHAR,
    "Billed Hours" DECIMAL(18, 4),
    "Billed Rate" DECIMAL(18, 4),
    "Bill Rate Non-Billed" DECIMAL(18, 4),
    "Total Billed Amount" DECIMAL(18, 4),
    "Invoice Date" TIMESTAMP WITH TIME ZONE,
    "Visit Updated Timestamp" TIMESTAMP WITH TIME ZONE,
    "Visit Updated User Id" VARCHAR
);

CREATE TABLE "BI"."DIMCAREGIVER" (
    "Caregiver Id" VARCHAR,
    "SSN" VARCHAR,
    "Caregiver Code" VARCHAR,
    "Caregiver Fullname" VARCHAR,
    "Caregiver Firstname" VARCHAR,
    "Caregiver Lastname" VARCHAR,
    "Status" VARCHAR
);

CREATE TABLE "BI"."DIMPATIENT" (
    "Patient Id" VARCHAR,
    "Admission Id" VARCHAR,
    "Patient Firstname" VARCHAR,
    "Patient Lastname" VARCHAR,
    "Medicaid Number" VARCHAR,
    "Status" VARCHAR
);

CREATE TABLE "BI"."DIMPATIENTADDRESS" (
    "Patient Id" VARCHAR,
    "Application Created UTC Timestamp" TIMESTAMP WITH TIME ZONE,
    "Primary Address" BOOLEAN,
    "Address Type" VARCHAR,
    "Address Line 1" VARCHAR,
    "City" VARCHAR,
    "Address State" VARCHAR,
    "Zip Code" VARCHAR,
    "County" VARCHAR,
    "Latitude" DOUBLE,
    "Longitude" DOUBLE
);

CREATE TEMP TABLE planted (
    visit_id VARCHAR,
    con_visit_id VARCHAR,
    visit_date DATE,
    con_visit_date DATE,
    flag VARCHAR,
    crosses_midnight BOOLEAN
);
